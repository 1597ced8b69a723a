/** Column titles of cyclers, in their many spellings, as what they mean. */

export type Role =
	| "testTime"
	| "stepTime"
	/** Just "time": the test's for some cyclers, the step's for others. */
	| "time"
	| "date"
	| "unixTime"
	| "voltage"
	| "current"
	| "chargeStep"
	| "cycle"
	| "step"
	| "stepType"
	| "mode"
	| "chargeAh"
	| "dischargeAh"
	| "netAh"
	| "capacityAh"
	| "frequency"
	| "ambient";

export interface ColumnMeaning {
	readonly role: Role;
	/** Multiplies a cell into s, V, A, Ah, °C. */
	readonly factor: number;
	/** Among several columns of one role the lowest is used: a total before a setpoint, a measured before a mean. */
	readonly rank: number;
	/** False where V, A or s was taken because the title says nothing else. */
	readonly isUnitSaid: boolean;
}

const UNITS: Readonly<Record<string, readonly [quantity: string, factor: number]>> = {
	s: ["time", 1],
	sec: ["time", 1],
	second: ["time", 1],
	seconds: ["time", 1],
	ms: ["time", 1e-3],
	millisecond: ["time", 1e-3],
	min: ["time", 60],
	minute: ["time", 60],
	minutes: ["time", 60],
	h: ["time", 3_600],
	hour: ["time", 3_600],
	hours: ["time", 3_600],
	hr: ["time", 3_600],
	hrs: ["time", 3_600],
	d: ["time", 86_400],
	"h:min:s.ms": ["time", 1],
	"h:m:s": ["time", 1],
	"h:m:s.ms": ["time", 1],
	"hh:mm:ss": ["time", 1],
	"hh:mm:ss.ms": ["time", 1],
	v: ["voltage", 1],
	volt: ["voltage", 1],
	mv: ["voltage", 1e-3],
	uv: ["voltage", 1e-6],
	a: ["current", 1],
	ampere: ["current", 1],
	ma: ["current", 1e-3],
	ua: ["current", 1e-6],
	na: ["current", 1e-9],
	pa: ["current", 1e-12],
	ah: ["charge", 1],
	mah: ["charge", 1e-3],
	uah: ["charge", 1e-6],
	c: ["temperature", 1],
	degc: ["temperature", 1],
	celsius: ["temperature", 1],
	"1": ["count", 1],
	hz: ["frequency", 1],
	khz: ["frequency", 1_000],
};

const QUANTITY: Readonly<Record<Role, string>> = {
	testTime: "time",
	stepTime: "time",
	time: "time",
	date: "none",
	unixTime: "time",
	voltage: "voltage",
	current: "current",
	chargeStep: "charge",
	cycle: "count",
	step: "count",
	stepType: "none",
	mode: "none",
	chargeAh: "charge",
	dischargeAh: "charge",
	netAh: "charge",
	capacityAh: "charge",
	frequency: "frequency",
	ambient: "temperature",
};

/** Name without unit, lower case, letters and digits only (Chinese kept): role and rank. */
const NAMES: Readonly<Record<string, readonly [Role, number]>> = {
	testtime: ["testTime", 0],
	totaltime: ["testTime", 0],
	cumulativetime: ["testTime", 0],
	elapsedtime: ["testTime", 1],
	runtime: ["testTime", 1],
	总时间: ["testTime", 0],
	累计时间: ["testTime", 0],
	测试时间: ["testTime", 0],
	time: ["time", 0],
	时间: ["time", 0],
	steptime: ["stepTime", 0],
	relativetime: ["stepTime", 1],
	statetime: ["stepTime", 1],
	工步时间: ["stepTime", 0],
	相对时间: ["stepTime", 1],
	date: ["date", 0],
	datetime: ["date", 0],
	dateandtime: ["date", 0],
	realtime: ["date", 0],
	systime: ["date", 0],
	systemtime: ["date", 0],
	absolutetime: ["date", 0],
	dpttime: ["date", 0],
	absolutedate: ["date", 0],
	记录时间: ["date", 0],
	datetimeisostring: ["date", 0],
	绝对时间: ["date", 0],
	系统时间: ["date", 0],
	unixtime: ["unixTime", 0],
	voltage: ["voltage", 0],
	channelvoltage: ["voltage", 0],
	vol: ["voltage", 0],
	volts: ["voltage", 0],
	volt: ["voltage", 0],
	potential: ["voltage", 0],
	// The cell's before that against a reference.
	ecell: ["voltage", 0],
	eweece: ["voltage", 1],
	ewe: ["voltage", 2],
	meanewe: ["voltage", 3],
	电压: ["voltage", 0],
	current: ["current", 0],
	channelcurrent: ["current", 0],
	cur: ["current", 0],
	curr: ["current", 0],
	amps: ["current", 0],
	i: ["current", 0],
	meani: ["current", 1],
	电流: ["current", 0],
	dq: ["chargeStep", 0],
	cycle: ["cycle", 0],
	cyc: ["cycle", 0],
	cycleindex: ["cycle", 0],
	cycleid: ["cycle", 0],
	cycleno: ["cycle", 0],
	cyclenumber: ["cycle", 0],
	cyclecount: ["cycle", 0],
	循环号: ["cycle", 0],
	循环序号: ["cycle", 0],
	循环: ["cycle", 0],
	stepcount: ["step", 0],
	stepnumber: ["step", 1],
	stepno: ["step", 1],
	stepindex: ["step", 3],
	stepid: ["step", 2],
	step: ["step", 2],
	ns: ["step", 2],
	工步号: ["step", 2],
	工步序号: ["step", 2],
	steptype: ["stepType", 0],
	stepname: ["stepType", 0],
	stepstate: ["stepType", 0],
	workmode: ["stepType", 1],
	state: ["stepType", 1],
	status: ["stepType", 1],
	工步类型: ["stepType", 0],
	工步名称: ["stepType", 0],
	状态: ["stepType", 1],
	md: ["stepType", 1],
	mode: ["mode", 0],
	chargingcapacity: ["chargeAh", 0],
	chargecapacity: ["chargeAh", 0],
	chargecap: ["chargeAh", 0],
	chgcapacity: ["chargeAh", 0],
	chgcap: ["chargeAh", 0],
	capchg: ["chargeAh", 0],
	capacitychg: ["chargeAh", 0],
	capacitancechg: ["chargeAh", 0],
	qcharge: ["chargeAh", 0],
	充电容量: ["chargeAh", 0],
	dischargingcapacity: ["dischargeAh", 0],
	dischargecapacity: ["dischargeAh", 0],
	dischargecap: ["dischargeAh", 0],
	dchgcapacity: ["dischargeAh", 0],
	dchgcap: ["dischargeAh", 0],
	capdchg: ["dischargeAh", 0],
	capacitydchg: ["dischargeAh", 0],
	capacitancedchg: ["dischargeAh", 0],
	qdischarge: ["dischargeAh", 0],
	放电容量: ["dischargeAh", 0],
	netcapacity: ["netAh", 0],
	qqo: ["netAh", 0],
	capacity: ["capacityAh", 0],
	cap: ["capacityAh", 0],
	amphr: ["capacityAh", 0],
	stepcapacity: ["capacityAh", 0],
	容量: ["capacityAh", 0],
	freq: ["frequency", 0],
	frequency: ["frequency", 0],
	ambienttemperature: ["ambient", 0],
	environmenttemperature: ["ambient", 0],
};

/** Names that mean a time when their unit is one: `Test(Sec)`, `Step(Sec)`. */
const NAMES_OF_TIMES: Readonly<Record<string, readonly [Role, number]>> = {
	test: ["testTime", 0],
	step: ["stepTime", 0],
	步骤时间: ["stepTime", 0],
};

/** Of these there are files in thousandths, minutes or hours. */
const UNITS_TO_SAY: readonly string[] = ["voltage", "current", "time", "charge"];
/** Names that are units themselves. */
const NAMES_OF_UNITS: readonly string[] = ["volts", "amps"];
/** Names that are thousandths: Maccor's columns. */
const IN_THOUSANDTHS: Readonly<Record<string, string>> = { mamps: "amps", mvolts: "volts", mamphr: "amphr" };

const MEAN = /^<(.+)>$/;
/** `Voltage / V`, `Ewe/V`, `Current(mA)`, `Current [A]`, `voltage_volt`, `test_time_s`: name, and unit where one is said. */
const FORMS = [
	/^(.*?)\s*[([（]\s*([^()[\]（）]+?)\s*[)\]）]\s*$/,
	/^(.+?)\s*\/\s*([a-zµμ.1]+)\s*$/i,
	/^(.+)_([a-z]+)$/i,
	/^(.+?)\s+(s|sec|ms|min|h|v|mv|a|ma|ah|mah)$/i,
];

const plain = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
const plainUnit = (unit: string): string =>
	unit
		.toLowerCase()
		.replace(/[µμ]/g, "u")
		.replace(/^°/, "")
		.replace(/a\.h$/, "ah")
		.replace(/(?<=[a-z])\.$/, "")
		.trim();

function meaning(name: string, unit: string | null): ColumnMeaning | undefined {
	const mean = MEAN.exec(name.trim());
	const key = mean === null ? plain(name) : `mean${plain(mean[1]!)}`;
	const isTime = unit !== null && UNITS[plainUnit(unit)]?.[0] === "time";
	const names = isTime && Object.hasOwn(NAMES_OF_TIMES, key) ? NAMES_OF_TIMES : NAMES;
	const found = Object.hasOwn(names, key) ? names[key] : undefined;
	if (found === undefined) return undefined;
	const [role, rank] = found;
	const quantity = QUANTITY[role];
	if (unit === null || quantity === "none")
		return { role, rank, factor: 1, isUnitSaid: !UNITS_TO_SAY.includes(quantity) || NAMES_OF_UNITS.includes(key) };
	const known = Object.hasOwn(UNITS, plainUnit(unit)) ? UNITS[plainUnit(unit)] : undefined;
	return known !== undefined && known[0] === quantity ? { role, rank, factor: known[1], isUnitSaid: true } : undefined;
}

/** True for a text that is a unit of what `role` is. */
export const isUnitOf = (role: Role, text: string): boolean => {
	const unit = plainUnit(text);
	return Object.hasOwn(UNITS, unit) && UNITS[unit]![0] === QUANTITY[role];
};

/** What a column title means, or undefined when it is none that is used. */
export function meaningOf(title: string): ColumnMeaning | undefined {
	const text = title.trim().replace(/^~/, "");
	const whole = Object.hasOwn(IN_THOUSANDTHS, plain(text)) ? meaning(IN_THOUSANDTHS[plain(text)]!, null) : undefined;
	if (whole !== undefined) return { ...whole, factor: 1e-3, isUnitSaid: true };
	// |Ewe|, |Z|: amplitudes of an impedance measurement.
	if (text.includes("|")) return undefined;
	for (const form of FORMS) {
		const match = form.exec(text);
		if (match === null) continue;
		const found = meaning(match[1]!, match[2]!);
		if (found !== undefined) return found;
		// A unit that was understood but belongs to something else (mAh/g, A/cm²) must not fall back to the bare name.
		if (form === FORMS[0]) return undefined;
	}
	return meaning(text, null);
}
