/** Battery tests in few points each, kept so that the next picture of a running test reads only the rows that came since. */
import type { CellTestPoint } from "#record/cell-test-history.js";

/** A point, and how many rows it stands for. */
export interface Piece extends CellTestPoint {
	readonly rows: number;
}

/** Pieces of `width` row numbers each, all of them over, up to row `through`. */
interface Picture {
	readonly width: number;
	readonly through: number;
	readonly pieces: readonly Piece[];
}

/** Tests whose picture is kept: those that somebody looks at. */
const TESTS_MAX = 64;
/** Pieces kept of a test; beyond, two become one. */
const PIECES_MAX = 20_000;

export class TestPictures {
	/** The one looked at last is the last. */
	private readonly kept = new Map<number, Picture>();

	/**
	 * At most `points` pieces of the rows 1 to `last` of a test. `read` gives the pieces of the rows from `fromSeq` on, each of
	 * `width` row numbers, the first piece of all beginning with row 1.
	 */
	async of(
		test: number,
		{ points, last }: { readonly points: number; readonly last: number },
		read: (fromSeq: number, width: number) => Promise<Piece[]>,
	): Promise<CellTestPoint[]> {
		const width = 2 ** Math.max(0, Math.ceil(Math.log2(last / points)));
		const known = this.kept.get(test);
		const base = known !== undefined && known.width <= width ? known : { width, through: 0, pieces: [] };
		const fresh = await read(base.through + 1, base.width);
		const through = Math.max(base.through, last - (last % base.width));
		const all = [...base.pieces, ...fresh];
		this.keep(test, { width: base.width, through, pieces: all.filter(({ toSeq }) => toSeq <= through) });
		return widened(all, width).map(({ rows: _rows, ...point }) => point);
	}

	private keep(test: number, picture: Picture): void {
		let { width, through, pieces } = picture;
		while (pieces.length > PIECES_MAX) {
			width *= 2;
			through -= through % width;
			const end = through;
			pieces = widened(pieces, width).filter(({ toSeq }) => toSeq <= end);
		}
		this.kept.delete(test);
		this.kept.set(test, { width, through, pieces });
		const [oldest] = this.kept.keys();
		if (this.kept.size > TESTS_MAX && oldest !== undefined) this.kept.delete(oldest);
	}
}

/** Pieces that lie within the same `width` row numbers as one. */
function widened(pieces: readonly Piece[], width: number): Piece[] {
	const found: Piece[] = [];
	for (const piece of pieces) {
		const before = found.at(-1);
		const isOne = before !== undefined && placeOf(before, width) === placeOf(piece, width);
		if (isOne) found[found.length - 1] = joined(before, piece);
		else found.push(piece);
	}
	return found;
}

const placeOf = ({ fromSeq }: Piece, width: number): number => Math.floor((fromSeq - 1) / width);

const joined = (a: Piece, b: Piece): Piece => ({
	fromSeq: a.fromSeq,
	toSeq: b.toSeq,
	cycle: Math.min(a.cycle, b.cycle),
	testS: Math.min(a.testS, b.testS),
	voltageVMin: Math.min(a.voltageVMin, b.voltageVMin),
	voltageVMax: Math.max(a.voltageVMax, b.voltageVMax),
	currentAMean: (a.currentAMean * a.rows + b.currentAMean * b.rows) / (a.rows + b.rows),
	rows: a.rows + b.rows,
});
