/** Tables as the software of cyclers writes them, one test each a trap met in published files. */
import { describe, expect, it } from "vitest";
import { foreignKind, RowACycle } from "#analysis/formats/foreign.js";
import { chunkOf, read } from "../support.js";

/** Two cycles of a full cell: 1 mA for an hour and 57 min back, with rests; step times begin anew. */
interface Record {
	readonly t: number;
	readonly stepT: number;
	readonly v: number;
	readonly mA: number;
	readonly cycle: number;
	readonly step: number;
	readonly kind: "rest" | "charge" | "discharge";
}
const RECORDS: Record[] = [];
{
	let t = 0;
	let step = 0;
	const add = (cycle: number, kind: Record["kind"], mA: number, minutes: number, volts: (part: number) => number) => {
		step += 1;
		for (let n = 0; n <= minutes; n += 1)
			RECORDS.push({ t: t + n * 60, stepT: n * 60, v: volts(n / minutes), mA, cycle, step, kind });
		t += minutes * 60;
	};
	for (const cycle of [1, 2]) {
		add(cycle, "rest", 0, 10, () => 3.2);
		add(cycle, "charge", 1, 60, (part) => 3.4 + 0.2 * part);
		add(cycle, "rest", 0, 10, () => 3.5);
		add(cycle, "discharge", -1, 57, (part) => 3.38 - 0.5 * part);
	}
}
const two = (n: number): string => String(n).padStart(2, "0");
const clock = (s: number): string => `${two(Math.floor(s / 3_600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
const table = (titles: string, row: (record: Record) => (string | number)[], delimiter = ","): string =>
	`${titles}\n${RECORDS.map((record) => row(record).join(delimiter)).join("\n")}\n`;

function expectTheTest({ result, counts }: ReturnType<typeof read>): void {
	expect(counts.rowsUsed).toBe(RECORDS.length);
	expect(result.cycles.map(({ chargeAh, dischargeAh }) => [chargeAh.toFixed(7), dischargeAh.toFixed(7)])).toEqual(
		Array(2).fill(["0.0010000", "0.0009500"]),
	);
	expect(result.hours).toBeCloseTo((2 * 137) / 60, 6);
}

describe("records are read", () => {
	it("where the step is a single letter and currents have no sign", () => {
		const letter = { rest: "R", charge: "C", discharge: "D" };
		const file = read(
			table(
				"DateTime,Cycle ID,Step ID,Record ID,Time(h:min:s.ms),Voltage(V),Current(mA),Status",
				({ t, stepT, v, mA, cycle, step, kind }) => [
					`2026-01-01 ${clock(t)}`,
					cycle,
					step,
					1,
					clock(stepT),
					v,
					Math.abs(mA),
					letter[kind],
				],
			),
		);
		expect(file.codes).toContain("CURRENT_UNSIGNED");
		expectTheTest(file);
	});

	it("where days stand before the clock with a point", () =>
		expectTheTest(
			read(
				table("Record ID,Cycle ID,Step Type,Total Time,Voltage(V),Current(mA)", ({ t, v, mA, cycle, kind }) => [
					1,
					cycle,
					kind,
					`0.${clock(t)}`,
					v,
					mA,
				]),
			),
		));

	it("of Maccor's text layout, as Landt's software writes it too: times named after test and step, letters for states", () => {
		const letter = { rest: "R", charge: "C", discharge: "D" };
		const file = read(
			table(
				"Today's Date  03/05/2024\tFilename: a\nRec#\tCyc#\tStep\tTest(Sec)\tStep(Sec)\tAmp-hr\tWatt-hr\tAmps\tVolts\tState\tES\tDPt-Time",
				({ t, stepT, v, mA, cycle, step, kind }) => [
					1,
					cycle - 1,
					step,
					t,
					stepT,
					(Math.abs(mA) * stepT) / 3.6e6,
					0,
					Math.abs(mA) / 1_000,
					v,
					letter[kind],
					1,
					"",
				],
				"\t",
			),
		);
		expect(file.layout.format).toBe("landt-csv");
		expectTheTest(file);
	});

	it("of three levels with step names in GBK", () => {
		const names = {
			rest: "\xbe\xb2\xd6\xc3",
			charge: "\xba\xe3\xc1\xf7\xb3\xe4\xb5\xe7",
			discharge: "\xba\xe3\xc1\xf7\xb7\xc5\xb5\xe7",
		};
		// 循环号 / 工步号, 工步名称 / 记录号, 时间, 电压(V), 电流(mA)
		const lines = [
			"\xd1\xad\xbb\xb7\xba\xc5,x",
			",\xb9\xa4\xb2\xbd\xba\xc5,\xb9\xa4\xb2\xbd\xc3\xfb\xb3\xc6",
			",,\xbc\xc7\xc2\xbc\xba\xc5,\xca\xb1\xbc\xe4,\xb5\xe7\xd1\xb9(V),\xb5\xe7\xc1\xf7(mA)",
		];
		let cycle = 0;
		let step = 0;
		for (const record of RECORDS) {
			if (record.cycle !== cycle) lines.push(`${record.cycle},1`);
			if (record.step !== step) lines.push(`,${record.step},${names[record.kind]}`);
			cycle = record.cycle;
			step = record.step;
			lines.push(`,,1,${clock(record.stepT)},${record.v},${Math.abs(record.mA)}`);
		}
		const file = read(Uint8Array.from(lines.join("\n"), (c) => c.charCodeAt(0)));
		expect(file.sign.evidence).toBe("step names");
		expectTheTest(file);
	});

	it("of BT-Lab with blank lines in the header, fewer header lines than said and commas as decimals", () =>
		expectTheTest(
			read(
				table(
					"BT-Lab ASCII FILE\n\nNb header lines : 7\n\ntime/s\tEwe/V\tI/mA\tcycle number\tNs",
					({ t, v, mA, step }) =>
						[t.toFixed(3), v.toFixed(7), mA.toFixed(3), 0, step].map((x) => String(x).replace(".", ",")),
					"\t",
				),
			),
		));
});

describe("dates of a test that spans the twelfth of a month", () => {
	const dated = (date: (day: number) => string): string =>
		`time\tEcell/V\tI/mA\n${Array.from({ length: 480 }, (_, hour) => {
			const direction = Math.floor(hour / 24) % 2 === 0 ? 1 : -1;
			return `${date(2 + Math.floor(hour / 24))} ${two(hour % 24)}:00:00.0000\t${3.4 + 0.1 * direction}\t${direction}`;
		}).join("\n")}\n`;

	it.each([
		["day first, with points", (day: number) => `${two(day)}.03.2024`],
		["day first, with slashes", (day: number) => `${two(day)}/03/2024`],
		["month first", (day: number) => `03/${two(day)}/2024`],
	])("are read in one order throughout: %s", (_name, date) => {
		const file = read(dated(date));
		expect(file.codes).not.toContain("TIME_JUMPED_BACK");
		expect(file.result.hours).toBeCloseTo(479, 6);
		expect(file.result.halfCycles).toHaveLength(20);
	});

	it("that tell no order are read as month/day, and that is said", () => {
		const text = `time\tEcell/V\tI/mA\n${RECORDS.map(({ t, v, mA }) => `03/05/2024 ${clock(t)}\t${v}\t${mA}`).join("\n")}\n`;
		const file = read(text);
		expect(file.codes).toContain("DATES_AMBIGUOUS");
		expectTheTest(file);
	});
});

describe("small print", () => {
	it("EC-Lab's volts may be millivolts, without a header to tell whose titles they are", () => {
		const text = table(
			"mode\ttime/s\tEwe/mV\tI/µA\tcycle number",
			({ t, v, mA, cycle, kind }) => [kind === "rest" ? 3 : 1, t, v * 1e3, mA * 1e3, cycle],
			"\t",
		);
		const file = read(Uint8Array.from(text, (c) => c.charCodeAt(0)));
		expect(file.layout.format).toBe("biologic-mpt");
		expectTheTest(file);
	});

	it("a last line without an end is whole when its last cell is nought, or as long as others were", () => {
		const text = (last: string): string =>
			`Test Time / s,Voltage / V,Current / A\n${RECORDS.map(({ t, v, mA }) => `${t},${v.toFixed(3)},${mA === 0 ? "0.000" : mA.toFixed(4)}`).join("\n")}\n99999,3.2,${last}`;
		expect(read(text("0")).codes).not.toContain("LAST_LINE_TRUNCATED");
		expect(read(text("0.123")).codes).not.toContain("LAST_LINE_TRUNCATED");
		expect(read(text("0.1")).codes).toContain("LAST_LINE_TRUNCATED");
	});

	it("currents without sign have their direction from counters that go on over the steps, from the first rise on", () => {
		let charged = 0;
		let discharged = 0;
		let before = RECORDS[0]!;
		const text = table(
			"Record,TestTime/Sec,Voltage/V,Current/mA,ChargeCapacity/mAh,DischargeCapacity/mAh",
			(record) => {
				const ah = record.step === before.step ? (Math.abs(record.mA) * (record.t - before.t)) / 3_600 : 0;
				before = record;
				if (record.kind === "charge") charged += ah;
				if (record.kind === "discharge") discharged += ah;
				return [1, record.t, record.v, Math.abs(record.mA), charged.toFixed(9), discharged.toFixed(9)];
			},
		);
		const file = read(text);
		expect(file.sign.evidence).toBe("charge counters");
		expect(file.codes).toEqual(
			["CURRENT_UNSIGNED", "CYCLE_NUMBER_UNUSABLE"].filter((code) => file.codes.includes(code as never)),
		);
		expectTheTest(file);
	});

	it("a few answers of the voltage, all of them against Arbin's definition, turn its current round", () => {
		const text = table("Data_Point,Test_Time(s),Current(A),Voltage(V)", ({ t, v, mA }) => [1, t, -mA / 1_000, v]);
		const file = read(text.replaceAll(",3.5\n", ",3.39\n"));
		expect(file.codes).toContain("CURRENT_SIGN_REVERSED");
		expect(file.result.firstDirection).toBe("charge");
	});
});

describe("steps whose names tell no direction", () => {
	const unsigned = (name: (record: Record) => string): string =>
		table("Record ID,Step Type,Total Time,Voltage(V),Current(mA)", (record) => [
			1,
			name(record),
			clock(record.t),
			3.5,
			Math.abs(record.mA),
		]);

	it("with currents of one sign are refused, not taken for more of the same", () =>
		expect(() => read(unsigned(({ kind }) => (kind === "charge" ? "CC Chg" : "Step X")))).toThrow(
			/names that tell no direction/,
		));

	it("are said row by row where only a few are so", () => {
		const file = read(
			unsigned(({ kind, stepT }) =>
				stepT === 600 && kind === "charge" ? "Pulse" : kind === "rest" ? "Rest" : `CC ${kind}`,
			),
		);
		expect(file.codes.filter((code) => code === "DIRECTION_UNKNOWN")).toHaveLength(2);
		expectTheTest(file);
	});
});

describe("what is no table of records is refused with what to export instead", () => {
	const bytes = (text: string): Uint8Array => Uint8Array.from(text.padEnd(600, "\0"), (c) => c.charCodeAt(0));
	it.each([
		["BIO-LOGIC MODULAR FILE\x1a", /BioLogic \.mpr/, /Export as Text/],
		["NEWARE\x01", /\.nda file/, /BTSDA/],
		["PK\x03\x04\x14\x00VersionInfo.xml", /\.ndax/, /BTSDA/],
		["PK\x03\x04\x14\x00[Content_Types].xml", /Excel workbook/, /records as CSV/],
		["PK\x03\x04\x14\x00a.txt", /zip archive/, /Unpack/],
		["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", /old Excel/, /CSV/],
		["\x00\x01\x00\x00Standard Jet DB\0", /Arbin \.res/, /MITS/],
		["MATLAB 5.0 MAT-file", /MATLAB/, /CSV/],
		["\x89HDF\r\n\x1a\n", /HDF5/, /CSV/],
		["\x01\x02", /not text/, /Export/],
	])("binary (%#)", (start, message, hint) =>
		expect(() => read(bytes(start))).toThrow(
			expect.objectContaining({ message: expect.stringMatching(message), hint: expect.stringMatching(hint) }),
		),
	);

	it.each([
		["EC-LAB SETTING FILE\r\n\r\nNumber of linked techniques : 1\r\n", /settings/],
		["BT-Lab LOG FILE\r\n\r\nOpen Circuit Voltage\r\n", /log/],
		[
			"Cycle_Index,Test_Time(s),Current(A),Voltage(V),Vmax_On_Cycle(V),Charge_Time(s),DisCharge_Time(s)\n1,2,3,4,5,6,7\n",
			/summary/,
		],
		["Cycle ID,Step ID,Step Name,Start Voltage(V),End Voltage(V),CapaCity(mAh)\n1,1,Rest,3,3,0\n", /summary/],
		["Cycle ID,Cap_Chg(mAh),Cap_DChg(mAh),Efficiency(%)\n1,1,1,100\n", /summary/],
		["Date and Time,Cycle Number,Step Type,Run Time (h),Current (A),Potential (V)\n", /Novonix/],
		["~Time[h]\tDataSet\tLine\tU[V]\tI[A]\n0\t1\t1\t3\t0\n", /BaSyTec/],
		["Step,Program Duration#s,Current#A,Voltage#V\n1,0,0,3\n", /Digatron/],
	])("text (%#)", (text, message) => expect(() => read(text)).toThrow(message));

	it("but a table of records with efficiencies in it is none of them", () =>
		expect(foreignKind("", ["time/s", "Ewe/V", "I/mA", "Efficiency/%", "Cap_Chg(mAh)"], true)).toBeUndefined());

	it("when every row has a cycle number of its own, whatever the titles", () => {
		const rows = RECORDS.slice(0, 40).map(({ t, v, mA }, n) => ({ t, v, i: mA, cycle: n + 1, step: 1 }));
		const each = new RowACycle();
		each.push(chunkOf(rows.slice(0, 17)));
		each.push(chunkOf(rows.slice(17)));
		expect(each.found).toBe(true);
		each.push(chunkOf([{ ...rows[39]!, cycle: 40 }]));
		expect(each.found).toBe(false);
	});
});
