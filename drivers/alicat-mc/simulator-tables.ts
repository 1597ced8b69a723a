/** The tables that the simulated controller prints, in the layout of captured instruments (10v20.0-R24 and 5v12.0-R22). */
export type Dialect = "10v20" | "5v12";

export const FIRMWARE: Readonly<Record<Dialect, { revision: string; built: string }>> = {
	"10v20": { revision: "10v20.0-R24", built: "Jan  9 2025,15:04:07" },
	"5v12": { revision: "5v12.0-R22", built: "Aug 14 2015,09:12:33" },
};

/** Gas numbers from 0, short and long names (captured list, first rows). */
export const GASES: readonly (readonly [short: string, long: string])[] = [
	["Air", "Air"],
	["Ar", "Argon"],
	["CH4", "Methane"],
	["CO", "Carbon-Monoxide"],
	["CO2", "Carbon-Dioxide"],
	["C2H6", "Ethane"],
	["H2", "Hydrogen"],
	["He", "Helium"],
	["N2", "Nitrogen"],
	["N2O", "Nitrous-Oxide"],
	["Ne", "Neon"],
	["O2", "Oxygen"],
	["C3H8", "Propane"],
];

export interface TableFacts {
	readonly unitId: string;
	readonly dialect: Dialect;
	readonly model: string;
	readonly serial: string;
	readonly massUnit: "SCCM" | "SLPM";
	readonly pressureUnit: "PSIA" | "kPaA";
	readonly fullScale: number;
	readonly decimals: number;
}

export function manufacturingTable({ unitId, dialect, model, serial }: TableFacts): string[] {
	const rows = [
		"ALICAT SCIENTIFIC",
		"www.alicat.com",
		"Ph   520-290-6060",
		"info@alicat.com",
		`Model Number ${model}`,
		`Serial Number ${serial}`,
		"Date Manufactured 03/02/2025",
		"Date Calibrated   03/02/2025",
		"Calibrated By     BL",
		`Software Revision ${FIRMWARE[dialect].revision}`,
	];
	return rows.map((row, index) => `${unitId}  M${String(index).padStart(2, "0")} ${row}`);
}

const STATUS_ROWS = ["OPL", "POV", "P2O", "TOV", "VOV", "MOV", "TMF", "OVR", "COM", "HLD", "EXH", "GTA", "LCK"];

export function columnTable(facts: TableFacts): string[] {
	return facts.dialect === "5v12" ? columnTable5v(facts) : columnTable10v(facts);
}

function columnTable10v({ unitId, massUnit, pressureUnit, decimals }: TableFacts): string[] {
	const volumetric = massUnit.slice(1);
	const massCode = massUnit === "SCCM" ? "012" : "007";
	const number = (code: string, name: string, places: number, unitCode: string, unit: string): string =>
		`${code} ${name.padEnd(26)} s decimal     7/${places} ${unitCode} 02 ${unit}`;
	const text = (code: string, name: string, width: number, notes: string): string =>
		`${code} ${name.padEnd(26)} string          ${width} ${notes}`.trimEnd();
	const rows = [
		"ID_ NAME______________________ TYPE_______ WIDTH NOTES___________________",
		text("700", "Unit ID", 1, ""),
		number("002", "Abs Press", 2, pressureUnit === "PSIA" ? "010" : "006", pressureUnit),
		number("003", "Flow Temp", 2, "002", "`C"),
		number("004", "Volu Flow", decimals, massCode, volumetric),
		number("005", "Mass Flow", decimals, massCode, massUnit),
		number("037", "Mass Flow Setpt", decimals, massCode, massUnit),
		text("703", "Gas", 6, ""),
		text("701", "*Error", 3, "ADC"),
		...STATUS_ROWS.map((word) => text("702", "*Status", 3, word)),
	];
	return rows.map((row, index) => `${unitId} D${String(index).padStart(2, "0")} ${row}`);
}

function columnTable5v({ unitId, massUnit, pressureUnit, fullScale, decimals }: TableFacts): string[] {
	const row = (name: string, type: string, min: string, max: string, unit: string): string =>
		`${name.padEnd(11)} ${type.padEnd(9)} ${min.padStart(7)}  ${max.padStart(7)}  ${unit.padStart(7)}`;
	const flow = (value: number): string => `+${value.toFixed(decimals).padStart(6, "0")}`;
	const rows = [
		"NAME_______ TYPE_____ MinVal_  MaxVal_  UNITS__",
		"Unit ID     char         A         Z         na",
		row("Pressure", "signed", "+000.00", "+160.00", pressureUnit),
		row("Temperature", "signed", "-010.00", "+050.00", "C"),
		row("Volumetric", "signed", flow(0), flow(fullScale), massUnit.slice(1)),
		row("Mass", "signed", flow(0), flow(fullScale), massUnit),
		row("SetPoint", "signed", flow(0), flow(fullScale), massUnit),
		row("Gas", "string", "Air", "D2", "na"),
		row("Error", "string", "na", "ADC", "na"),
		...["LCK", "OVR", "POV", "TOV", "VOV", "MOV"].map((word) => row("Status", "string", "na", word, "na")),
	];
	return rows.map((text, index) => `${unitId}  D${String(index).padStart(2, "0")} ${text}`);
}

export const gasTable = (unitId: string): string[] =>
	GASES.map(([short], index) => `${unitId} G${String(index).padStart(2, "0")} ${short.padStart(8)}`);
