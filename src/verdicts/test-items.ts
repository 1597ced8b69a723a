/** Battery tests in the line of descent: a registered cell's test is written down there when it starts and when it ends. */
import { asAdlayerError } from "#core/errors.js";
import type { FollowedCellTest } from "#record/cell-test-history.js";
import type { Descent } from "#record/descent.js";

/** Who changed an item, where no person did. */
const BY = "adlayer";

export interface TestItemsOptions {
	readonly descent: Pick<Descent, "list" | "get" | "create" | "change">;
	/** Name and version of what gave the verdict. */
	readonly software: string;
	readonly failed: (message: string) => void;
}

export class TestItems {
	private work: Promise<void> = Promise.resolve();

	constructor(private readonly options: TestItemsOptions) {}

	/** A test is under way; returns at once. Tests of cells that nobody registered leave no item. */
	follow(test: FollowedCellTest): void {
		if (test.endedAt !== null) return;
		this.inTurn(test).catch((thrown) =>
			this.options.failed(`the item of battery test ${test.cellTest}: ${asAdlayerError(thrown).message}`),
		);
	}

	/** Writes the end down, where it is not yet. Rejects when that cannot be done now. */
	conclude(test: FollowedCellTest): Promise<void> {
		return this.inTurn(test);
	}

	/** What is under way has been done. */
	settled(): Promise<void> {
		return this.work;
	}

	private inTurn(test: FollowedCellTest): Promise<void> {
		if (test.startedAt === null) return Promise.resolve();
		const written = this.work.then(() => this.write(test));
		this.work = written.catch(() => {});
		return written;
	}

	private async write(test: FollowedCellTest): Promise<void> {
		const { descent } = this.options;
		const there = await descent.get("test", test.cellTest);
		if (there === undefined) {
			const cell = await this.cellOf(test.cell);
			if (cell === undefined) return;
			await descent.create({ kind: "test", id: test.cellTest, body: { cell, ...this.bodyOf(test) }, by: BY });
			return;
		}
		if (there.withdrawn !== null || there.body.endedAt !== undefined || test.endedAt === null) return;
		await descent.change("test", test.cellTest, { body: this.bodyOf(test), by: BY });
	}

	private async cellOf(name: string): Promise<string | undefined> {
		const { descent } = this.options;
		const [byBarcode] = await descent.list("cell", { limit: 1, barcode: name, withdrawn: false });
		return byBarcode?.id ?? (await descent.get("cell", name))?.id;
	}

	private bodyOf({ protocol, cycler, channel, startedAt, endedAt, verdict }: FollowedCellTest) {
		const at = (wallMs: number) => new Date(wallMs).toISOString();
		return {
			protocol,
			instrument: cycler,
			...(channel === null ? {} : { channel }),
			...(startedAt === null ? {} : { startedAt: at(startedAt) }),
			...(endedAt === null ? {} : { endedAt: at(endedAt) }),
			...(endedAt === null || verdict === null
				? {}
				: {
						verdict: {
							kind: verdict.kind,
							atHours: verdict.atHours,
							atCycle: verdict.atCycle,
							software: this.options.software,
						},
					}),
		};
	}
}
