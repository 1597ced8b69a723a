import { AdlayerError } from "#core/errors.js";
import type { InstrumentSimulator, SimulatorConnection } from "#device/contract.js";
import { MemoryBroker } from "#transport/memory-mqtt.js";
import type { CellConstants } from "#twin/cells/constants.js";
import type { TwinConstants } from "#twin/constants.js";
import { STOP_VALVE, Twin, type TwinTruth } from "#twin/twin.js";
import { CellRack } from "./cells.js";
import { Disturbances } from "./disturbances.js";
import { LabFaults } from "./faults.js";
import { checkRoles, JOINS } from "./join.js";
import { type LineAddress, parseLineAddress } from "./line-address.js";
import type { JoinKind, LabPlan, PlannedInstrument, SimulatedDriver, SimulatedDrivers } from "./plan.js";
import { ReplyFaults } from "./reply-faults.js";

/** Instruments and reactor exchange what they sense and do at least this often. */
export const GRID_MS = 250;

export interface SimulatedLabOptions {
	readonly plan: LabPlan;
	readonly constants: TwinConstants;
	/** Of the battery cells; needed by a plan that has any. */
	readonly cellConstants?: CellConstants | undefined;
	readonly drivers: SimulatedDrivers;
	/** Relative spread of the heaters, see TwinOptions; 0 when absent. */
	readonly spread?: number;
	/** The chamber begins pumped instead of vented. */
	readonly pumped?: boolean;
	/** Unix ms at lab time 0. */
	readonly wallAtZeroMs?: number;
}

/** One wire with all simulators on it. */
export interface LabLine {
	readonly name: string;
	readonly members: readonly LabInstrument[];
	/** False while its cable is unplugged: whoever serves the line breaks off its clients and lets nobody in. */
	isPlugged: boolean;
}

export interface LabInstrument {
	readonly name: string;
	readonly address: LineAddress;
	readonly driver: SimulatedDriver;
	readonly simulator: InstrumentSimulator;
	/** A silent instrument neither hears nor speaks; its electronics go on. */
	silent: boolean;
	/** Switched off: as silent, and what it remembers only while powered is gone. */
	isPowered: boolean;
	/** When bytes last came to it, lab time; null before the first. */
	heardMs: number | null;
	readonly replies: ReplyFaults;
}

/** A reply that is held back. */
interface HeldBack {
	readonly dueMs: number;
	readonly send: () => void;
}

/** One client on a line: its bytes go to every simulator there. */
export interface LineConnection {
	receive(bytes: Uint8Array): void;
	close(): void;
}

/**
 * A bench reactor with its instruments, in lab time: milliseconds from 0, moved by `advanceTo` alone. Reactor and simulators
 * advance together, at most GRID_MS at a time and exactly to each instant at which a simulator acts by itself.
 */
export class SimulatedLab {
	readonly twin: Twin;
	readonly lines: readonly LabLine[];
	/** What the instruments on MQTT publish to. */
	readonly broker = new MemoryBroker();
	/** The API of faults; what the `adlayer lab fault` command does. */
	readonly faults: LabFaults;
	readonly disturbances = new Disturbances();
	/** What lies in the channels of the cyclers. */
	readonly cells: CellRack;
	private readonly instruments: readonly LabInstrument[];
	private readonly heldBack: HeldBack[] = [];
	private readonly lineBusyUntilMs = new Map<LabInstrument, number>();
	private readonly cableListeners: ((line: LabLine) => void)[] = [];
	private now = 0;

	/** Throws LAB_FILE_INVALID or ADDRESS_INVALID when plan, drivers and twin do not fit each other. */
	constructor(options: SimulatedLabOptions) {
		const { plan, drivers } = options;
		checkRoles(plan, options.constants);
		this.cells = new CellRack(plan, options.cellConstants);
		this.twin = new Twin({
			constants: options.constants,
			foil: plan.foil,
			seed: plan.seed,
			spread: options.spread ?? 0,
			pumped: options.pumped ?? false,
		});
		const lines = new Map<string, { name: string; members: LabInstrument[]; isPlugged: boolean }>();
		for (const planned of plan.instruments) {
			const driver = Object.hasOwn(drivers, planned.driver) ? drivers[planned.driver] : undefined;
			if (driver === undefined) {
				throw new AdlayerError(
					"LAB_FILE_INVALID",
					`Driver ${planned.driver} of ${planned.name} has no simulator in the lab.`,
					{
						context: { instrument: planned.name, driver: planned.driver },
					},
				);
			}
			const address = parseLineAddress(planned.name, planned.address);
			const { addressSchemes } = driver.definition;
			if (address.fixed?.scheme === "mqtt" && !addressSchemes.includes("mqtt")) {
				const message = `Address ${planned.address} of ${planned.name} does not fit its driver, which accepts ${addressSchemes.join(", ")}.`;
				throw new AdlayerError("ADDRESS_INVALID", message, { context: { address: planned.address } });
			}
			const line = lines.get(address.line) ?? { name: address.line, members: [], isPlugged: true };
			let member: LabInstrument | undefined;
			const simulator = driver.definition.simulate({
				name: planned.name,
				settings: planned.settings as never,
				port: JOINS[joinKindOf(driver, planned)](
					planned,
					plan.reactor,
					this.twin,
					this.disturbances,
					this.cells,
				) as never,
				seed: plan.seed,
				unit: address.unit,
				wallMs: () => (options.wallAtZeroMs ?? 0) + this.now,
				publish: (topic, payload, retain) => {
					if (line.isPlugged && (member === undefined || canTalk(member)))
						this.broker.publish(`${address.prefix}/${topic}`, payload, retain);
				},
			});
			member = {
				name: planned.name,
				address,
				driver,
				simulator,
				silent: false,
				isPowered: true,
				heardMs: null,
				replies: new ReplyFaults(),
			};
			this.letHear(member, line);
			line.members.push(member);
			lines.set(address.line, line);
		}
		this.lines = [...lines.values()];
		this.instruments = this.lines.flatMap((line) => line.members);
		this.faults = new LabFaults(this, faultTargets(plan), plan.seed);
	}

	get nowMs(): number {
		return this.now;
	}

	/** When a reply that is held back goes out, or a fault ends; Infinity when nothing is under way. */
	get nextFaultMs(): number {
		return Math.min(this.heldBack[0]?.dueMs ?? Number.POSITIVE_INFINITY, this.faults.nextEndMs);
	}

	/** An earlier time changes nothing. */
	advanceTo(nowMs: number): void {
		while (this.now < nowMs) this.stepTo(this.nextInstantMs(nowMs));
	}

	/** Joins a client to a line; `send` takes what the instruments answer. Advance to the present before `receive`. */
	connect(line: LabLine, send: (bytes: Uint8Array) => void): LineConnection {
		let isOpen = true;
		const ends = line.members.map((member) => {
			const connection: SimulatorConnection = {
				send: (bytes) => {
					if (isOpen && canTalk(member)) {
						this.reply(member, bytes, (arriving) => {
							if (isOpen) send(arriving);
						});
					}
				},
				state: undefined,
			};
			return { member, connection };
		});
		return {
			receive: (bytes) => {
				for (const { member, connection } of ends) {
					if (!isOpen || !line.isPlugged || !canTalk(member)) continue;
					member.heardMs = this.now;
					member.simulator.receive(bytes, connection);
				}
			},
			close: () => {
				isOpen = false;
			},
		};
	}

	/** What really happened until now. */
	truth(): TwinTruth {
		return this.twin.truth();
	}

	/** When each instrument last heard anything, lab time. */
	get heardMs(): Readonly<Record<string, number | null>> {
		return Object.fromEntries(this.instruments.map(({ name, heardMs }) => [name, heardMs]));
	}

	/** Takes one instrument's power away for an instant. Throws NOT_FOUND. */
	powerCycle(instrument: string): void {
		this.instrument(instrument).simulator.powerCycle();
	}

	/** An instrument that neither hears nor speaks. Throws NOT_FOUND. */
	silence(instrument: string, silent: boolean): void {
		this.instrument(instrument).silent = silent;
	}

	/** Switches an instrument off or on. Throws NOT_FOUND. */
	power(instrument: string, on: boolean): void {
		const member = this.instrument(instrument);
		member.isPowered = on;
		member.simulator.powerCycle();
	}

	/** Unplugs or plugs in the cable of an instrument's line, with everything else on it. Throws NOT_FOUND. */
	plug(instrument: string, isPlugged: boolean): void {
		const member = this.instrument(instrument);
		const line = this.lines.find(({ members }) => members.includes(member))!;
		line.isPlugged = isPlugged;
		for (const listener of this.cableListeners) listener(line);
	}

	/** Calls `listener` whenever a line's cable was unplugged or plugged in. */
	onCable(listener: (line: LabLine) => void): void {
		this.cableListeners.push(listener);
	}

	/** Throws NOT_FOUND. */
	instrument(name: string): LabInstrument {
		const found = this.instruments.find((instrument) => instrument.name === name);
		if (found !== undefined) return found;
		const known = this.instruments.map((instrument) => instrument.name).join(", ");
		throw new AdlayerError("NOT_FOUND", `The simulated lab has no instrument ${name}; it has ${known}.`);
	}

	/** A simulator on MQTT hears what is published below its prefix. */
	private letHear(member: LabInstrument, line: { readonly isPlugged: boolean }): void {
		const { simulator, address } = member;
		if (simulator.hear === undefined) return;
		const below = `${address.prefix}/`;
		this.broker.observe((topic, payload) => {
			if (!topic.startsWith(below) || !line.isPlugged || !canTalk(member)) return;
			member.heardMs = this.now;
			simulator.hear?.(topic.slice(below.length), payload);
		});
	}

	/** Sends what an instrument says, as its faults let it through. A line never changes the order of its bytes. */
	private reply(member: LabInstrument, bytes: Uint8Array, send: (bytes: Uint8Array) => void): void {
		const busyUntilMs = this.lineBusyUntilMs.get(member) ?? this.now;
		const pieces = member.replies.apply(bytes);
		if (pieces === undefined && busyUntilMs <= this.now) {
			send(bytes);
			return;
		}
		for (const piece of pieces ?? [{ bytes, delayMs: 0 }]) {
			const dueMs = Math.max(this.now + piece.delayMs, this.lineBusyUntilMs.get(member) ?? 0);
			this.lineBusyUntilMs.set(member, dueMs);
			if (dueMs <= this.now) send(piece.bytes);
			else this.heldBack.push({ dueMs, send: () => send(piece.bytes) });
		}
		// Stable: what is due at one instant goes out as it came.
		this.heldBack.sort((a, b) => a.dueMs - b.dueMs);
	}

	private nextInstantMs(limitMs: number): number {
		let nextMs = Math.min(limitMs, this.now + GRID_MS, Math.max(this.now, this.nextFaultMs));
		for (const { simulator } of this.instruments) {
			let eventMs = simulator.nextEventMs();
			if (eventMs <= this.now) {
				// Set by the last bytes for this very instant: it must not wait for the next one.
				simulator.advance(this.now);
				eventMs = simulator.nextEventMs();
			}
			if (eventMs > this.now && eventMs < nextMs) nextMs = eventMs;
		}
		return nextMs;
	}

	private stepTo(nowMs: number): void {
		this.now = nowMs;
		this.twin.advance(nowMs);
		for (const { simulator } of this.instruments) simulator.advance(nowMs);
		this.faults.advanceTo(nowMs);
		while (this.heldBack.length > 0 && this.heldBack[0]!.dueMs <= nowMs) this.heldBack.shift()!.send();
	}
}

function joinKindOf({ joinKind }: SimulatedDriver, { settings }: PlannedInstrument): JoinKind {
	return typeof joinKind === "string" ? joinKind : joinKind(settings);
}

const canTalk = ({ silent, isPowered }: LabInstrument): boolean => !silent && isPowered;

/** By the names of the lab file. */
function faultTargets({ instruments, reactor, cells = {} }: LabPlan): ConstructorParameters<typeof LabFaults>[1] {
	const precursors = Object.keys(reactor.precursors);
	return {
		valve: [...precursors, STOP_VALVE],
		gauge: [reactor.pressures.chamber, reactor.pressures.foreline],
		zone: Object.keys(reactor.zones),
		instrument: instruments.map(({ name }) => name),
		precursor: precursors,
		input: instruments.flatMap(({ name, settings }) =>
			Object.keys((settings as { inputs?: object }).inputs ?? {}).map((input) => `${name}.${input}`),
		),
		cell: Object.keys(cells),
		reactor: [],
	};
}
