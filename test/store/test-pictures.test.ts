/** Pictures of tests that go on: never another than one that is made anew, and made of what is new. */
import { expect, it } from "vitest";
import { type Piece, TestPictures } from "#store/test-pictures.js";

/** A test whose rows are made up, some of them never given; counts what is read of it. */
class Rows {
	last = 0;
	read = 0;

	readonly pieces = async (fromSeq: number, width: number): Promise<Piece[]> => {
		const found = new Map<number, Piece>();
		for (let seq = fromSeq; seq <= this.last; seq += 1) {
			if (seq % 97 < 3) continue;
			this.read += 1;
			const v = Math.sin(seq * 0.7);
			const place = Math.floor((seq - 1) / width);
			const { rows, ...so } = found.get(place) ?? {
				...{ fromSeq: seq, cycle: seq >> 7, testS: seq * 10 },
				...{ voltageVMin: v, voltageVMax: v, currentAMean: 0, rows: 0 },
			};
			const currentAMean = (so.currentAMean * rows + (seq % 5)) / (rows + 1);
			const limits = { voltageVMin: Math.min(so.voltageVMin, v), voltageVMax: Math.max(so.voltageVMax, v) };
			found.set(place, { ...so, ...limits, toSeq: seq, currentAMean, rows: rows + 1 });
		}
		return [...found.values()];
	};
}

const rounded = (points: readonly object[]) =>
	points.map((point) =>
		Object.fromEntries(Object.entries(point).map(([key, value]) => [key, Number(value.toFixed(9))])),
	);

it("a picture that is carried on is the same as one made anew, whatever was asked before", async () => {
	const rows = new Rows();
	const carried = new TestPictures();
	for (const [last, points] of [
		[0, 10],
		[1, 10],
		[9, 10],
		[100, 10],
		[101, 300],
		[5_000, 300],
		[5_001, 50],
		[5_002, 1_000],
		[60_000, 1_000],
		[60_500, 10_000],
		[60_500, 1],
	] as const) {
		rows.last = last;
		const found = await carried.of(7, { points, last }, rows.pieces);
		const anew = await new TestPictures().of(7, { points, last }, rows.pieces);
		expect(rounded(found)).toEqual(rounded(anew));
		expect(found.length).toBeLessThanOrEqual(points);
	}
});

it("the next picture reads what came since, however long the test has run", async () => {
	const rows = new Rows();
	const pictures = new TestPictures();
	const look = async (): Promise<number> => {
		const before = rows.read;
		await pictures.of(7, { points: 1_000, last: rows.last }, rows.pieces);
		return rows.read - before;
	};
	rows.last = 500_000;
	await look();
	for (let turn = 0; turn < 20; turn += 1) {
		rows.last += 30;
		expect(await look()).toBeLessThanOrEqual(1_024);
	}
});

it("what many look at is bounded: tests that nobody has looked at for long are read anew", async () => {
	const rows = new Rows();
	const pictures = new TestPictures();
	rows.last = 1_000;
	for (let test = 0; test <= 64; test += 1) await pictures.of(test, { points: 10, last: 1_000 }, rows.pieces);
	const before = rows.read;
	await pictures.of(64, { points: 10, last: 1_000 }, rows.pieces);
	expect(rows.read - before).toBeLessThan(200);
	await pictures.of(0, { points: 10, last: 1_000 }, rows.pieces);
	expect(rows.read - before).toBeGreaterThan(900);
});
