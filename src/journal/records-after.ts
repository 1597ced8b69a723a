import type { JournalRecord } from "#record/records.js";
import { listSegments, scanSegment } from "./segments.js";

/** Calls `take` with every record after `seq` that the journal in `dir` still has, oldest first. */
export function recordsAfter(dir: string, seq: number, take: (record: JournalRecord) => void): void {
	const segments = listSegments(dir);
	for (const [index, segment] of segments.entries()) {
		if ((segments[index + 1]?.firstSeq ?? Number.POSITIVE_INFINITY) <= seq) continue;
		scanSegment(segment, index === segments.length - 1, ({ record }) => {
			if (record.seq > seq) take(record);
		});
	}
}
