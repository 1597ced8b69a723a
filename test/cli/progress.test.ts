import { describe, expect, it } from "vitest";
import { duration, renderProgress, renderProgressLine } from "#cli/progress.js";
import { renderSummary } from "#cli/summary.js";
import { RUN, STATUS } from "./status-fixture.js";

describe("the live view", () => {
	it("shows the run at a glance, marked as simulated", () => {
		expect(renderProgress(STATUS, 72).join("\n")).toMatchInlineSnapshot(`
			"SIMULATED ×100  sim1  Li@200LiAlOx-ex  RUNNING
			+ prepare ████████████████████████████████████████  0:20:00
			> deposit ██████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  1:00:00
			  anneal  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  0:50:00
			  cool    ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  0:30:00
			Cycle    37/200  Purge after TMA 5 s
			Stage    119.8 °C, target 120.0 °C
			Chamber  0.310 Torr
			Pulses   worst error 0.021 ms
			Time     0:32:10 elapsed, 2:05:00 left (lab time)
			Alarms   none"
		`);
	});

	it("is one line where there is no terminal", () => {
		expect(renderProgressLine(STATUS)).toMatchInlineSnapshot(
			`"SIMULATED Li@200LiAlOx-ex running | deposit | cycle 37/200 | stage 119.8 °C | chamber 0.310 Torr | elapsed 0:32:10 | left 2:05:00"`,
		);
	});

	it("shows the run's question with the command that answers it, and what a dose waits for", () => {
		const prompt = {
			prompt: "hand-valves",
			text: "Shut the hand valves.",
			confirm: "Both are shut",
			timeoutS: 3_600,
			onTimeout: "hold",
			askedAt: 0,
		};
		const reason = "Carrier flow is 85.0 sccm, 100 sccm are ordered.";
		const conditions = [{ condition: "carrier", reason, value: 85, threshold: 95, unit: "sccm" }] as const;
		const run = { ...RUN, prompt, suspension: { conditions, since: 0, until: 600_000 } };
		const text = renderProgress({ ...STATUS, run }, 72).join("\n");
		expect(text).toContain("Asks     Shut the hand valves.\n         Both are shut: adlayer confirm hand-valves");
		expect(text).toContain(`Waits    ${reason}`);
		const line = renderProgressLine({ ...STATUS, run });
		expect(line).toContain("asks: Shut the hand valves. (adlayer confirm hand-valves)");
		expect(line).toContain(`waits: ${reason}`);
	});

	it("says why a held run is held, and what can be chosen", () => {
		const run = { ...RUN, state: "held" as const, cause: "Carrier flow is 85 sccm." };
		const text = renderProgress({ ...STATUS, run }, 72).join("\n");
		expect(text).toContain("Choose   restart, stop or abort");
		expect(text).toContain("Because  Carrier flow is 85 sccm.");
	});

	it("names a stale or faulty value as such and never shows its number", () => {
		const signals = {
			...STATUS.signals,
			"stage.temperature": { ...STATUS.signals["stage.temperature"]!, quality: "stale" as const },
			"gauge.chamber": { ...STATUS.signals["gauge.chamber"]!, quality: "fault" as const, value: null },
		};
		const text = renderProgress({ ...STATUS, signals }, 72).join("\n");
		expect(text).toContain("Stage    stale, target 120.0 °C");
		expect(text).toContain("Chamber  fault");
		expect(text).not.toContain("119.8");
		expect(renderProgressLine({ ...STATUS, signals })).toContain("stage stale | chamber fault");
	});

	it("takes the signals that the lab names for their parts", () => {
		const signals = { "heater.pv": { value: 55, unit: "degC", quality: "good", at: 0, seq: 1 } } as const;
		const text = renderProgress({ ...STATUS, signals, roles: { foilC: "heater.pv" } }, 72).join("\n");
		expect(text).toContain("Stage    55.0 °C, target -");
	});

	it("says why a run is held, which alarms stand, and what was repeated", () => {
		const run = {
			...RUN,
			state: "held" as const,
			cause: "Carrier flow is below 5 sccm.",
			cycles: { ...RUN.cycles, repeated: 1, unknown: 2 },
		};
		const alarm = { state: "unacknowledged", priority: "high", message: "Flow 0 sccm.", response: "", at: 0 } as const;
		const alarms = Array.from({ length: 7 }, (_, index) => ({ ...alarm, alarm: `A${index}` }));
		const interlocks = [{ interlock: "pump", state: "tripped", cause: "Pump stopped.", effect: "" } as const];
		const lines = renderProgress({ ...STATUS, simulated: false, speed: 1, run, alarms, interlocks }, 72);
		const text = lines.join("\n");
		expect(lines[0]).toBe("sim1  Li@200LiAlOx-ex  HELD");
		expect(text).toContain("Because  Carrier flow is below 5 sccm.");
		expect(text).toContain("37/200 (1 repeated, 2 unknown)");
		expect(text).toContain("! interlock pump: Pump stopped.");
		expect(text).toContain("! and 3 more");
	});

	it("keeps within the width, and does without a run", () => {
		for (const width of [20, 40, 55, 200]) {
			for (const line of renderProgress(STATUS, width))
				expect([...line].length).toBeLessThanOrEqual(Math.max(40, width));
		}
		expect(renderProgress({ ...STATUS, run: null }, 72)).toEqual(["SIMULATED ×100  sim1", "No run.", "Alarms   none"]);
	});

	it("fills every bar of a complete run", () => {
		const run = { ...RUN, state: "complete" as const, step: null, remainingS: 0 };
		expect(renderProgress({ ...STATUS, run }, 72).join("")).not.toContain("░");
	});

	it("writes durations as hours, minutes and seconds", () => {
		expect([0, 59.6, 3725, 360_000].map(duration)).toEqual(["0:00:00", "0:01:00", "1:02:05", "100:00:00"]);
	});
});

const ANNEAL = {
	index: 12,
	zone: "stage",
	targetC: 180,
	withinC: 0.3,
	orderedS: 1800,
	seconds: 2400,
	unknownS: 0,
	inBandS: 1800,
	meanC: 179.98,
	spreadC: 0.04,
	maxC: 180.12,
	uncertaintyC: 0.3,
	minutesAbove: [],
	ramp: { plannedS: 480, actualS: 510, farthestFromPlanC: 4 },
	melting: "below",
	words:
		"The foil's highest temperature was 180.12 ± 0.3 °C (k = 2), below the melting point of 180.5 °C by more than the uncertainty.",
	at: 0,
} as const;

describe("the summary", () => {
	const result = {
		ok: true,
		run: "sim1-1",
		state: "complete" as const,
		product: "Li@200LiAlOx-ex",
		cycles: { ordered: 200, complete: 200, repeated: 0, unknown: 0 },
		peakFoilC: 180.12,
		worstPulseErrorMs: 0.0213,
		rows: 123_456,
		anneals: [ANNEAL],
		durationS: 9_712,
	};

	it("says what was made, how well, and where to look", () => {
		const truth = {
			thicknessNm: 50.2,
			interlayerNm: 99.7,
			lithiatedFraction: 0.981,
			peakFoilC: 180.2,
			melted: false,
			foil: "Li",
		};
		const system = { url: "http://127.0.0.1:8480", dataDir: "/tmp/x", mqttUrl: "mqtt://127.0.0.1:1883" };
		const lines = renderSummary({ result, simulated: true, truth, meltingPointC: 180.5, system });
		expect(lines.join("\n")).toMatchInlineSnapshot(`
			"Product                Li@200LiAlOx-ex  (SIMULATED)
			Run                    sim1-1: complete
			Cycles                 200 of 200 delivered
			Duration               2:41:52 lab time
			Worst pulse error      0.021 ms
			Peak foil temperature  180.12 °C measured, 0.38 °C below the melting point (180.5 °C)
			Anneal                 stage 30.0 min within 0.3 °C of 180 °C, mean 179.98 ± 0.04 °C. The foil's highest temperature was 180.12 ± 0.3 °C (k = 2), below the melting point of 180.5 °C by more than the uncertainty.
			Film by the twin       50.2 nm, interlayer 99.7 nm, 98 % lithiated
			Foil by the twin       Li, peak 180.20 °C, not melted
			Rows in the database   123456
			Page                   http://127.0.0.1:8480/
			REST                   http://127.0.0.1:8480/docs
			MQTT                   mqtt://127.0.0.1:1883
			Data                   /tmp/x"
		`);
	});

	it("says so where figures are missing, and when the foil came above its melting point", () => {
		const text = renderSummary({
			result: { ...result, rows: null, worstPulseErrorMs: null, durationS: null, peakFoilC: 181 },
			simulated: false,
			truth: null,
			meltingPointC: 180.5,
		}).join("\n");
		expect(text).toContain("no database");
		expect(text).toContain("0.50 °C ABOVE the melting point (180.5 °C)");
		expect(text).not.toContain("SIMULATED");
		expect(text).not.toContain("twin");
	});
});
