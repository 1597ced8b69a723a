/** What the journal says of the open battery tests: the same whether records are being written or read back. Pure. */
import type { CellTestPosition, CellTestState } from "#record/cell-tests.js";
import type { RecordBody } from "#record/records.js";

export const OPEN_STATES: readonly CellTestState[] = ["queued", "starting", "running"];

export class CellTestBook {
	private readonly tests = new Map<string, CellTestPosition>();

	/** Takes note of a record; those of other things are passed over. */
	follow(record: RecordBody): void {
		switch (record.kind) {
			case "cell-test-ordered": {
				// A record that was read carries its number and times: they are not part of the order.
				const { cellTest, cell, cycler, channel, protocol, protocolText, protocolSha256 } = record;
				const { areaCm2, activeMassG, operator, attendedBy, kind } = record;
				const order = {
					kind,
					cellTest,
					cell,
					cycler,
					channel,
					protocol,
					protocolText,
					protocolSha256,
					areaCm2,
					activeMassG,
					operator,
					attendedBy,
				};
				this.tests.set(cellTest, { order, state: "queued", channel, cyclerTest: null, lastRow: null });
				break;
			}
			case "cell-test-state": {
				const { cellTest, to: state, channel, cyclerTest } = record;
				const test = this.tests.get(cellTest);
				if (test === undefined) break;
				if (OPEN_STATES.includes(state)) this.tests.set(cellTest, { ...test, state, channel, cyclerTest });
				else this.tests.delete(cellTest);
				break;
			}
			case "cell-test-rows": {
				const test = this.tests.get(record.cellTest);
				const lastRow = record.rows.at(-1);
				if (test !== undefined && lastRow !== undefined) this.tests.set(record.cellTest, { ...test, lastRow });
				break;
			}
			case "cell-test-positions":
				this.tests.clear();
				for (const position of record.open) this.tests.set(position.order.cellTest, position);
				break;
			default:
		}
	}

	/** In the order in which they were ordered. */
	get open(): readonly CellTestPosition[] {
		return [...this.tests.values()];
	}

	get(cellTest: string): CellTestPosition | undefined {
		return this.tests.get(cellTest);
	}
}
