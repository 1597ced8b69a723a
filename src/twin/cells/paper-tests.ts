/** The battery tests of Jin et al., Small 2022, 10.1002/sml.202203045, as what simulated cells are put through. */
import type { CellSpec } from "./cell.js";
import type { Couple, Finish } from "./constants.js";
import type { CellTest } from "./ideal-cycler.js";

export interface PaperTest {
	readonly id: string;
	readonly couple: Couple;
	readonly foilUm: number;
	/** Symmetric cells and Li–O2; of LiFePO4 the C-rate follows from the mass. */
	readonly currentMAPerCm2: number;
	readonly cells: readonly PaperCell[];
}

export interface PaperCell {
	readonly finish: Finish;
	readonly coatingCycles?: number;
	/** What the paper tells of its end, hours; `none`: nothing happened within the hours. */
	readonly ends: { readonly kind: "none" | "short" | "polarisation" | "depletion" | "end-of-life"; readonly h: number };
}

/** 12 mm discs. */
export const PAPER_AREA_CM2 = 1.131;
const LFP_MG_PER_CM2 = 6;
/** 1 C of LiFePO4. */
const ONE_C_MA_PER_G = 170;
const REST_H = 6;
/** Tests of cells that fail run on beyond it by this. */
const BEYOND = 1.15;

const bare = (kind: PaperCell["ends"]["kind"], h: number): PaperCell => ({ finish: "bare", ends: { kind, h } });
const coated = (finish: Finish, cycles: number, kind: PaperCell["ends"]["kind"], h: number): PaperCell => ({
	finish,
	coatingCycles: cycles,
	ends: { kind, h },
});

export const PAPER_TESTS: readonly PaperTest[] = [
	{
		id: "Li-Li 350 um 1 mA/cm2",
		couple: "Li-Li",
		foilUm: 350,
		currentMAPerCm2: 1,
		cells: [bare("polarisation", 650), coated("LiAlOx-ex", 200, "none", 1_000)],
	},
	{
		id: "Li-Li 350 um 3 mA/cm2",
		couple: "Li-Li",
		foilUm: 350,
		currentMAPerCm2: 3,
		cells: [bare("short", 225), coated("LiAlOx-ex", 200, "none", 350)],
	},
	{
		id: "Li-Li 40 um 1 mA/cm2",
		couple: "Li-Li",
		foilUm: 40,
		currentMAPerCm2: 1,
		cells: [bare("depletion", 225), coated("LiAlOx-ex", 200, "depletion", 330)],
	},
	{
		id: "Li-Li 40 um 3 mA/cm2",
		couple: "Li-Li",
		foilUm: 40,
		currentMAPerCm2: 3,
		cells: [bare("depletion", 47), coated("LiAlOx-ex", 200, "none", 120)],
	},
	...[1, 5].map((currentMAPerCm2) => ({
		id: `Li-Li 100 cycles ${currentMAPerCm2} mA/cm2`,
		couple: "Li-Li" as const,
		foilUm: 350,
		currentMAPerCm2,
		cells: [
			coated("Al2O3", 100, "polarisation", 430),
			coated("LiAlOx-in", 100, "none", 600),
			coated("LiAlOx-ex", 100, "none", 800),
		],
	})),
	{
		id: "Na-Na 1 mA/cm2",
		couple: "Na-Na",
		foilUm: 350,
		currentMAPerCm2: 1,
		cells: [bare("short", 280), coated("NaAlOx", 200, "none", 1_000)],
	},
	{
		id: "Na-Na 3 mA/cm2",
		couple: "Na-Na",
		foilUm: 350,
		currentMAPerCm2: 3,
		cells: [bare("short", 104), coated("NaAlOx", 200, "none", 1_200)],
	},
	{
		id: "Li-O2 0.1 mA/cm2",
		couple: "Li-O2",
		foilUm: 350,
		currentMAPerCm2: 0.1,
		cells: [bare("end-of-life", 272), coated("LiAlOx-ex", 200, "end-of-life", 550)],
	},
	{
		id: "Li-LFP 1 C",
		couple: "Li-LFP",
		foilUm: 350,
		currentMAPerCm2: (ONE_C_MA_PER_G * LFP_MG_PER_CM2) / 1_000,
		cells: [bare("end-of-life", 320), coated("LiAlOx-ex", 200, "none", 900)],
	},
];

/** The cell and what it is put through; `test.hours` are counted with the rest before. */
export function paperCellTest(test: PaperTest, cell: PaperCell): { spec: CellSpec; test: CellTest } {
	const { couple, foilUm, currentMAPerCm2 } = test;
	const areaCm2 = PAPER_AREA_CM2;
	const currentA = currentMAPerCm2 * areaCm2 * 1e-3;
	const hours = REST_H + cell.ends.h * (cell.ends.kind === "none" ? 1 : BEYOND);
	const spec: CellSpec = {
		couple,
		finish: cell.finish,
		foilUm,
		areaCm2,
		...(cell.coatingCycles === undefined ? {} : { coatingCycles: cell.coatingCycles }),
		...(couple === "Li-LFP" ? { activeMassMg: LFP_MG_PER_CM2 * areaCm2 } : {}),
	};
	const common = { restH: REST_H, hours };
	if (couple === "Li-LFP")
		return {
			spec,
			test: {
				...common,
				first: "charge",
				phases: [
					{ cycles: 5, currentA: 0.1 * currentA, halfH: 10 },
					{ cycles: Number.POSITIVE_INFINITY, currentA, halfH: 1 },
				],
				upperV: 4,
				lowerV: 2.5,
				hours: 1_200,
				cycles: cell.finish === "bare" ? 205 : 455,
			},
		};
	const isAir = couple === "Li-O2";
	return {
		spec,
		test: {
			...common,
			first: isAir ? "discharge" : "charge",
			phases: [{ cycles: Number.POSITIVE_INFINITY, currentA }],
			capacityAh: (isAir ? 0.1 : 1) * areaCm2 * 1e-3,
			upperV: isAir ? 4.5 : 2,
			lowerV: isAir ? 2 : -2,
		},
	};
}
