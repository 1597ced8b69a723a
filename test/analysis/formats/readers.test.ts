import { describe, expect, it } from "vitest";
import { read } from "../support.js";

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Four half-cycles of one hour at 1 mA around 0 V, as `[seconds, volts, milliamperes]`. */
const SYMMETRIC: [number, number, number][] = Array.from({ length: 4 * 61 }, (_, n) => {
	const half = Math.floor(n / 61);
	const sign = half % 2 === 0 ? 1 : -1;
	return [half * 3_600 + (n % 61) * 60, sign * (0.05 + (n % 61) * 1e-5), sign];
});
const clock = (s: number): string =>
	`${Math.floor(s / 3_600)}:${String(Math.floor(s / 60) % 60).padStart(2, "0")}:${String(s % 60).padStart(2, "0")}.000`;

/** What all the files below hold. */
function expectTheSameTest({ result, sign }: ReturnType<typeof read>): void {
	expect(sign.positiveCurrent).toBe("charge");
	expect(result.halfCycles.map(({ direction }) => direction)).toEqual(["charge", "discharge", "charge", "discharge"]);
	for (const { overpotentialV, capacityAh } of result.halfCycles) {
		expect(overpotentialV).toBeCloseTo(0.0503, 4);
		expect(capacityAh).toBeCloseTo(1e-3, 8);
	}
}

describe("BioLogic .mpt", () => {
	const titles =
		"mode\tox/red\terror\tNs\ttime/s\tcontrol/V/mA\tEwe/V\t<I>/mA\tdq/mA.h\t(Q-Qo)/mA.h\tfreq/Hz\t|Z|/Ohm\tcycle number\tTemperature/°C\t";
	const header = (count: number): string =>
		`EC-Lab ASCII FILE\r\nNb header lines : ${count}                          \r\n${Array.from({ length: count - 3 }, (_, n) => (n === 1 ? "Electrode surface area : 0,001 cm²\r\n" : "Ns   0  1\r\n")).join("")}`;
	/** Net charge, mAh. */
	const netOf = (t: number, i: number): number => (i > 0 ? t % 7_200 : 7_200 - (t % 7_200 || 7_200)) / 3_600;
	const row = ([t, v, i]: [number, number, number], freq = 0): string =>
		`1\t${i > 0 ? 1 : 0}\t0\t1\t${t.toExponential(15)}\t${i}\t${v.toExponential(7)}\t${i.toExponential(12)}\t0\t${netOf(t, i).toExponential(9)}\t${freq}\t0\t0\t25\r\n`;
	const body = SYMMETRIC.map((each) => row(each)).join("");

	it("with points as decimals, trailing tabs and Latin-1", () => {
		const file = read(latin1(`${header(60) + titles}\r\n${body}`));
		expect(file.layout.format).toBe("biologic-mpt");
		expectTheSameTest(file);
	});

	it("with commas as decimals", () =>
		expectTheSameTest(read(latin1(`${header(9) + titles}\r\n${body.replaceAll(".", ",")}`))));

	it("without a header, and with a header that says a wrong number of lines", () => {
		expectTheSameTest(read(latin1(`${titles}\n${body}`)));
		expectTheSameTest(read(latin1(`${header(20).replace(": 20", ": 12") + titles}\r\n${body}`)));
	});

	it("skips and counts impedance rows mixed in", () => {
		const spectrum = [1e5, 1e4, 10].map((freq, n) => row([3_600 + n, 3.7, 500], freq)).join("");
		const lines = SYMMETRIC.map((each) => row(each));
		lines.splice(61, 0, spectrum);
		const file = read(latin1(`${header(5)}${titles}\r\n${lines.join("")}`));
		expect(file.counts.impedanceRows).toBe(3);
		expectTheSameTest(file);
	});

	it("takes the current from the charge passed where there is no current", () => {
		let last = 0;
		const rows = SYMMETRIC.map(([t, v, i], n) => {
			const dq = n % 61 === 0 ? 0 : (i * (t - last)) / 3_600;
			last = t;
			return `1\t${t}\t${dq}\t${v}\r\n`;
		});
		const file = read(`mode\ttime/s\tdq/mA.h\tEwe/V\t\r\n${rows.join("")}`);
		expect(file.codes).toContain("CURRENT_FROM_CHARGE");
		expect(file.result.halfCycles.map(({ capacityAh }) => capacityAh.toFixed(6))).toEqual([
			"0.001000",
			"0.001000",
			"0.001000",
			"0.001000",
		]);
	});
});

describe("Neware CSV", () => {
	const flat = SYMMETRIC.map(
		([t, v, i], n) =>
			`${n + 1},${n > 121 ? 2 : 1},${Math.floor(n / 61) + 1},${i > 0 ? "CC Chg" : "CC DChg"},${clock(t - Math.floor(n / 61) * 3_600)},${clock(t)},${i / 1000},${v},${(t - Math.floor(n / 61) * 3600) / 3.6e6},2022-05-18 16:27:52\r\n`,
	);

	it("flat, with cumulative time and Ah", () => {
		const file = read(
			`DataPoint,Cycle Index,Step Index,Step Type,Time,Cumulative Time,Current(A),Voltage(V),Capacity(Ah),Date\r\n${flat.join("")}`,
		);
		expect(file.layout.format).toBe("neware-csv");
		expect(file.sign.evidence).toContain("step names");
		expectTheSameTest(file);
	});

	it("flat, where only the steps' own times are there", () => {
		const file = read(
			`DataPoint,Cycle Index,Step Index,Step Type,Time,x,Current(A),Voltage(V),Capacity(Ah),Date\r\n${flat.join("")}`,
		);
		expect(file.codes).toContain("TIME_FROM_STEPS");
		expectTheSameTest(file);
	});

	it("in Chinese, as GBK, in mA", () => {
		const titles = Uint8Array.from([
			...gbk("循环号"),
			44,
			...gbk("工步类型"),
			44,
			...gbk("总时间"),
			44,
			...gbk("电压"),
			...latin1("(V)"),
			44,
			...gbk("电流"),
			...latin1("(mA)\n"),
		]);
		const charge = gbk("恒流充电");
		const discharge = gbk("恒流放电");
		const rows = SYMMETRIC.flatMap(([t, v, i]) => [
			49,
			44,
			...(i > 0 ? charge : discharge),
			...latin1(`,${clock(t)},${v},${i}\n`),
		]);
		const file = read(Uint8Array.from([...titles, ...rows]));
		expect(file.layout.format).toBe("neware-csv");
		expectTheSameTest(file);
	});

	it("takes the direction from the steps' names where currents have no sign", () => {
		const rows = SYMMETRIC.map(([t, v, i], n) => `${n},${i > 0 ? "CC_Chg" : "CC_DChg"},${clock(t)},${v},1.0\n`);
		const file = read(`Record ID,Step Name,Total Time,Voltage(V),Current(mA)\n${rows.join("")}`);
		expect(file.codes).toContain("CURRENT_UNSIGNED");
		expectTheSameTest(file);
	});

	it("finds that positive current discharges", () => {
		const rows = SYMMETRIC.map(([t, v, i], n) => `${n},${i > 0 ? "CC_Chg" : "CC_DChg"},${clock(t)},${v},${-i}\n`);
		const file = read(`Record ID,Step Name,Total Time,Voltage(V),Current(mA)\n${rows.join("")}`, {});
		expect(file.sign.positiveCurrent).toBe("discharge");
		expect(file.result.firstDirection).toBe("charge");
	});

	const threeLevel = (merged: boolean): string => {
		const lines = [
			'Cycle ID,"\tCap_Chg(mAh)","\tCap_DChg(mAh)"',
			',"\tStep ID","\tStep Name","\tStep Time(h:min:s.ms)"',
			',,"\tRecord ID","\tTime(h:min:s.ms)","\tVoltage(V)","\tCurrent(mA)","\tCapacity(mAh)","\tRealtime","\t"',
		];
		for (let half = 0; half < 4; half += 1) {
			const step = `"\t${half + 1}","\t${half % 2 === 0 ? "CC_Chg" : "CC_DChg"}","\t1:00:00.000"`;
			if (half % 2 === 0) lines.push(`${half / 2 + 1},"\t1.0","\t1.0"${merged ? `,${step}` : ""}`);
			if (half % 2 === 1 || !merged) lines.push(`,${step}`);
			for (const [t, v, i] of SYMMETRIC.slice(half * 61, half * 61 + 61))
				lines.push(
					`,,"\t1","\t${clock(t - half * 3_600)}","\t${v}","\t${i}","\t${(t - half * 3_600) / 3_600}","\t02/21/2020 10:32:49","\t"`,
				);
		}
		return `${lines.join("\n")}\n`;
	};

	it("of three levels, in quotes with tabs, counters and times reset at every step", () => {
		const file = read(threeLevel(false));
		expect(file.layout.threeLevel).not.toBeNull();
		expect([...new Set(file.rows.map(({ cycle }) => cycle))]).toEqual([1, 2]);
		expectTheSameTest(file);
	});

	it("of three levels, with a cycle's first step in the cycle's own line", () =>
		expectTheSameTest(read(threeLevel(true))));
});

/** The few characters needed, as GBK has them. */
function gbk(text: string): number[] {
	const codes: Record<string, [number, number]> = {
		循: [0xd1, 0xad],
		环: [0xbb, 0xb7],
		号: [0xba, 0xc5],
		工: [0xb9, 0xa4],
		步: [0xb2, 0xbd],
		类: [0xc0, 0xe0],
		型: [0xd0, 0xcd],
		总: [0xd7, 0xdc],
		时: [0xca, 0xb1],
		间: [0xbc, 0xe4],
		电: [0xb5, 0xe7],
		压: [0xd1, 0xb9],
		流: [0xc1, 0xf7],
		恒: [0xba, 0xe3],
		充: [0xb3, 0xe4],
		放: [0xb7, 0xc5],
	};
	return [...text].flatMap((c) => codes[c]!);
}

describe("Arbin CSV", () => {
	it.each([
		["Data_Point,Test_Time(s),Date_Time,Step_Time(s),Step_Index,Cycle_Index,Current(A),Voltage(V)", ","],
		["Data_Point,Test Time (s),Date Time,Step Time (s),Step Index,Cycle Index,Current (A),Voltage (V)", ","],
		["Date_Time,Test_Time (s),Date,x,Step_Index,Cycle_Index,Current (A),Voltage (V)", ","],
		["Data_Point;Test_Time(s);Date_Time;Step_Time(s);Step_Index;Cycle_Index;Current(A);Voltage(V)", ";"],
	])("with the titles %s", (titles, delimiter) => {
		const rows = SYMMETRIC.map(([t, v, i], n) =>
			[n + 1, t, "2011-01-03 10:38:25", t % 3_600, 1, 1, i / 1_000, v].join(delimiter),
		);
		const file = read(`${titles}\n${rows.join("\n")}\n`);
		expect(file.layout.format).toBe("arbin-csv");
		expectTheSameTest(file);
	});
});

describe("Landt CSV", () => {
	it("with lines of text above the titles and more cells than titles", () => {
		const rows = SYMMETRIC.map(
			([t, v, i], n) => `${n},1,1,04/30/2024 14:33:19,${t},${t % 3_600},${i / 1_000},${v},cc,`,
		);
		const file = read(
			`cell model:,,,,,,,,\nNominal capacity used to define the C rate:Ah,,,,\nchannel_index,cycle_index,step_index,date_time_iso_string,test_time_s,step_time_s,current_A,voltage_V,step_name\n${rows.join("\n")}\n`,
		);
		expect(file.layout.format).toBe("landt-csv");
		expectTheSameTest(file);
	});

	it("with names and units by slashes", () => {
		const rows = SYMMETRIC.map(([t, v, i], n) => `${n}\t${clock(t)}\t${v}\t${i}`);
		const file = read(`Record\tTestTime\tVoltage/V\tCurrent/mA\n${rows.join("\n")}`);
		expect(file.layout.format).toBe("landt-csv");
		expectTheSameTest(file);
	});
});

describe("BDF", () => {
	it.each([
		["Test Time / s,Voltage / V,Current / A,Cycle Count / 1", 1, 1],
		["test_time_second,voltage_volt,current_ampere,cycle_count", 1, 1],
		["Test Time / ms,Voltage / mV,Current / mA,Cycle Count / 1", 1_000, 1_000],
	])("with the titles %s, a byte order mark and CRLF", (titles, perS, per) => {
		const rows = SYMMETRIC.map(([t, v, i], n) => `${t * perS},${v * per},${(i / 1_000) * per},${Math.floor(n / 122)}`);
		const file = read(`\ufeff${titles}\r\n${rows.join("\r\n")}\r\n\r\n`);
		expect(file.layout.format).toBe("bdf");
		expectTheSameTest(file);
		expect(file.result.cycles.map(({ cycle }) => cycle)).toEqual([0, 1]);
		expect(file.defects).toEqual([]);
	});

	it("says every rule that is broken, by row", () => {
		const titles =
			"Test Time / s,Voltage / V,Current / A,Cycle Count / 1,Step Count / 1,Charging Capacity / Ah,Discharging Capacity / Ah,Net Capacity / Ah";
		const file = read(
			`${titles}\n0,1,0,1,1,0,0,0\n1,1,0,1,1,0.1,0,0.1\n2,1,0,0,3,0.05,0,0.06\n3,1,0,1.5,3,0.05,0,0.05\n`,
		);
		expect(file.defects.map(({ row, column }) => [row, column])).toEqual([
			[4, "Cycle Count / 1"],
			[4, "Step Count / 1"],
			[4, "Charging Capacity / Ah"],
			[4, "Net Capacity / Ah"],
			[5, "Cycle Count / 1"],
		]);
	});

	it("takes no step from the deprecated Step Index, which counts the rows of one, but from Step ID beside it", () => {
		const rows = SYMMETRIC.map(([t, v, i], n) => `${t},${v},${i / 1_000},${(n % 61) + 1},${7 + (n > 60 ? 1 : 0)}`);
		const alone = read(`Test Time / s,Voltage / V,Current / A,Step Index / 1,x\n${rows.join("\n")}\n`);
		expect(alone.codes).toEqual(["BDF_RULE_BROKEN"]);
		expect(alone.rows.every(({ step }) => Number.isNaN(step))).toBe(true);
		expectTheSameTest(alone);
		const both = read(`test_time_second,voltage_volt,current_ampere,step_index,step_id\n${rows.join("\n")}\n`);
		expect([...new Set(both.rows.map(({ step }) => step))]).toEqual([7, 8]);
	});

	it("whose positive current plainly discharges is refused until told", () => {
		const times = Array.from({ length: 3 }, (_, n) => SYMMETRIC.map(([t, v, i]) => `${t + n * 14_400},${v},${-i}`));
		const text = `Test Time / s,Voltage / V,Current / A\n${times.flat().join("\n")}\n`;
		expect(() => read(text)).toThrow(/positive current charges, but here it discharges/);
		expect(read(text, { positiveCurrent: "discharge" }).result.firstDirection).toBe("charge");
	});
});

describe("what is wrong with a file", () => {
	const titles = "Test Time / s,Voltage / V,Current / A";
	const rows = SYMMETRIC.map(([t, v, i]) => `${t},${v},${i / 1_000}`);
	const changed = (n: number, row: string): string => `${titles}\n${rows.with(n, row).join("\n")}\n`;

	it.each([
		["3000,NaN,0.001", "Voltage / V"],
		["3000,,0.001", "Voltage / V"],
		["3000,0.05,-", "Current / A"],
		["x,0.05,0.001", "Test Time / s"],
	])("is told by row and column: %s", (row, column) => {
		const file = read(changed(50, row));
		expect(file.defects).toEqual([expect.objectContaining({ row: 52, column, code: "CELL_NOT_A_NUMBER" })]);
		expectTheSameTest(file);
	});

	it("is a last line that ends in the middle", () => {
		const text = `${titles}\n${rows.join("\n")}`;
		expect(read(text.slice(0, -8)).codes).toEqual(["LAST_LINE_TRUNCATED"]);
		expect(read(text.slice(0, -2)).codes).toEqual(["LAST_LINE_TRUNCATED"]);
		expect(read(text).codes).toEqual([]);
	});

	it("is a row out of order, which is left out", () => {
		const file = read(changed(50, "12,0.05,0.001"));
		expect(file.defects).toEqual([expect.objectContaining({ row: 52, code: "ROW_OUT_OF_ORDER" })]);
		expectTheSameTest(file);
	});

	it("is a clock that begins anew, which is taken to go on", () => {
		const again = SYMMETRIC.map(([t, v, i], n) => `${n < 122 ? t : t - 7_200},${v},${i / 1_000}`);
		const file = read(`${titles}\n${again.join("\n")}\n`);
		expect(file.defects).toEqual([expect.objectContaining({ row: 124, code: "TIME_JUMPED_BACK" })]);
		expectTheSameTest(file);
	});

	it("is two columns of one title: one when equal, refused when not", () => {
		const same = rows.map((row) => `${row},${row.split(",")[1]}`);
		expect(read(`${titles},Voltage / V\n${same.join("\n")}\n`).codes).toEqual(["COLUMN_REPEATED"]);
		expect(() => read(`${titles},Voltage / V\n${same.with(7, `${rows[7]},9`).join("\n")}\n`)).toThrow(
			/line 9 has .* in one, 9 in the other/,
		);
	});

	it.each([
		["", /empty/],
		["hello", /No line of titles/],
		["Test Time / s,Voltage / V\n1,2\n", /no column of current.*Test Time/],
		["time,voltage,current\n1,2,3\n", /none of the formats known/],
		["\0\0\0\0", /not text/],
		[`${titles}\n${"9".repeat(70_000)}`, /Line 2 is longer/],
		[
			"Data_Point,Test_Time(s),Voltage(V),Current(A)\n1,1,5,3,7,0,1\n2,2,5,3,7,0,1\n3,3,5,3,7,0,1\n",
			/more cells than there are titles/,
		],
	])("is refused when it cannot be understood (%#)", (text, why) => expect(() => read(text)).toThrow(why));

	it("is a sign that nothing tells: refused with the option that settles it", () => {
		const quiet = Array.from({ length: 100 }, (_, n) => `${n},${clock(n)},3.5,${n < 50 ? 1 : -1}`);
		const text = `Record ID,Total Time,Voltage(V),Current(mA)\n${quiet.join("\n")}\n`;
		expect(() => read(text)).toThrow(expect.objectContaining({ hint: expect.stringContaining("--positive-current") }));
		expect(read(text, { positiveCurrent: "charge" }).sign.evidence).toBe("as told");
	});
});
