/** One protection against the harm that it keeps away: a story that is told twice, with it and without it. */
import { vi } from "vitest";
import { CONDITIONS } from "#recipe/engine/suspension.js";
import { GuardedReactor } from "#safety/guarded-reactor.js";
import { Latch } from "#safety/latch.js";
import { RULES, type Rule } from "#safety/rules.js";
import type { ViolationKind } from "#twin/violations.js";
import { Story } from "../../plant/stories.js";

export interface Bite {
	/** Interlocks that guard against the same harm: taken away in both tellings, so that the protection stands alone. */
	readonly blind?: RegExp;
	/** Rules of permits likewise. */
	readonly besides?: readonly Rule[];
	/** The moment at which it begins. */
	begin(): Promise<Story>;
	/** What goes wrong, and what is tried. */
	fault(story: Story): void | Promise<void>;
	/** How long it then goes on. */
	readonly forS: number;
	/** What the twin shows after it when nothing protects. */
	harm(story: Story): boolean;
}

const judge = Latch.prototype.judge;
const blinded: RegExp[] = [];

/** Makes the interlocks of these ids blind too, until the next story. */
export function blind(pattern: RegExp): void {
	blinded.push(pattern);
	vi.spyOn(Latch.prototype, "judge").mockImplementation(function (this: Latch, view) {
		return blinded.some((each) => each.test(this.interlock.id)) ? undefined : judge.call(this, view);
	});
}

/** Lets these rules refuse nothing. */
export function forget(...rules: readonly Rule[]): void {
	for (const rule of rules) vi.spyOn(RULES, rule).mockImplementation(function* () {});
}

export function neverWaitFor(condition: keyof typeof CONDITIONS): void {
	vi.spyOn(CONDITIONS, condition).mockReturnValue([]);
}

/** Tells the story of a bite, with `remove` taken away before it goes wrong; whether the harm came. */
export async function tell(bite: Bite, remove: () => void, told: (story: Story) => void): Promise<boolean> {
	const story = await bite.begin();
	told(story);
	blinded.length = 0;
	if (bite.blind !== undefined) blind(bite.blind);
	forget(...(bite.besides ?? []));
	remove();
	watch(story);
	await bite.fault(story);
	await story.forS(bite.forS);
	story.truth();
	return bite.harm(story);
}

interface Watched {
	readonly heatedMs: Map<string, number>;
	readonly doses: number;
}
const watched = new WeakMap<Story, Watched>();

/** From here on the heaters' power and the doses are followed in the twin. */
function watch(story: Story): void {
	const { twin } = story.lab;
	const heatedMs = new Map<string, number>();
	const setHeaterPercent = twin.setHeaterPercent.bind(twin);
	twin.setHeaterPercent = (zone, percent) => {
		if (percent > 0) heatedMs.set(zone, story.clock.nowMs());
		setHeaterPercent(zone, percent);
	};
	watched.set(story, { heatedMs, doses: dosesOf(story) });
}

const dosesOf = (story: Story) => Object.values(story.truth().doses).reduce((sum, doses) => sum + doses, 0);

/** A heater of the twin had power in the last three seconds. */
export const isHeated = (story: Story): boolean =>
	[...watched.get(story)!.heatedMs.values()].some((atMs) => story.clock.nowMs() - atMs < 3_000);
/** A precursor valve of the twin has opened since it went wrong. */
export const hasDosed = (story: Story): boolean => dosesOf(story) > watched.get(story)!.doses;
export const isFlowing = (story: Story): boolean => story.lab.twin.carrierSccm > 1;
/** The shut chamber is fuller than it may ever be. */
export const isFull = (story: Story): boolean => story.lab.twin.chamberPa > 2_000;
export const violates =
	(kind: ViolationKind) =>
	(story: Story): boolean =>
		story.violations.includes(kind);

export const purge = (): Promise<Story> => Story.at("purge", 3);
export const anneal = (): Promise<Story> => Story.at("anneal");

/** Pumped, open to the pump and with carrier, declared as a run would; nobody has dosed for longer than the purge. */
export async function flowing(lab?: ConstructorParameters<typeof Story>[0]): Promise<Story> {
	const story = await new Story({ pumped: true, ...lab }).ready();
	declare(story);
	await attempt(story, (reactor) => reactor.setStopValve(true, "test"));
	await attempt(story, (reactor) => reactor.setCarrier(100, "test"));
	await story.forS(60);
	return story;
}

export function declare(story: Story): void {
	story.control.supervisor.declare({ neverAboveC: 93, meltingPointC: 180.5, purgeMinimumS: { TMA: 5, H2O: 20 } });
}

/** Pumped and shut, without carrier. */
export async function shut(): Promise<Story> {
	const story = await flowing();
	await attempt(story, (reactor) => reactor.setCarrier(0, "test"));
	await story.forS(10);
	await attempt(story, (reactor) => reactor.setStopValve(false, "test"));
	return story;
}

const reactors = new WeakMap<Story, GuardedReactor>();
export function reactorOf(story: Story): GuardedReactor {
	const { clock, journal, control } = story;
	const known = reactors.get(story);
	const { plant, supervisor } = control;
	const reactor = known ?? new GuardedReactor(clock, plant, supervisor.view.reactor, supervisor, journal);
	reactors.set(story, reactor);
	return reactor;
}

/** An act through the guarded reactor while the clock goes on; whether it was done within half a minute. */
export async function attempt(story: Story, act: (reactor: GuardedReactor) => Promise<unknown>): Promise<boolean> {
	let done: boolean | undefined;
	act(reactorOf(story)).then(
		() => {
			done = true;
		},
		() => {
			done = false;
		},
	);
	for (let tenths = 0; done === undefined && tenths < 300; tenths += 1) await story.forS(0.1);
	return done === true;
}

/** A dose with everything that belongs to it. */
export const dose = (story: Story, precursor: string, widthMs = 15): Promise<boolean> =>
	attempt(story, async (reactor) => {
		await reactor.armDose(precursor, widthMs);
		const { acknowledgedMs } = await reactor.fireDose(precursor, widthMs);
		await story.clock.sleep(widthMs + 3);
		await reactor.confirmDose(precursor, acknowledgedMs + widthMs);
	});

/** A zone reads something else than it is. */
export function zoneReads(story: Story, zone: string, read: (trueC: number) => number): void {
	const { twin } = story.lab;
	const zoneC = twin.zoneC.bind(twin);
	twin.zoneC = (name) => (name === zone ? read(zoneC(name)) : zoneC(name));
}

/** From now on this valve of the twin stays open once it is. */
export function stick(story: Story, valve: string): void {
	const { twin } = story.lab;
	const setValve = twin.setValve.bind(twin);
	twin.setValve = (of, open, atMs) => setValve(of, of === valve || open, atMs);
}
