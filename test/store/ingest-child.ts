/** Takes a journal over until it is killed. Arguments: folder of the journal, address of the database. */
import { SystemClock } from "#core/clock.js";
import { JournalReader } from "#journal/reader.js";
import { Ingester } from "#store/ingester.js";
import { RefusedRecords } from "#store/refused-records.js";

const [, , dir, url] = process.argv;
const clock = new SystemClock();
const reader = new JournalReader({ dir: dir!, name: "store", clock });
const refused = new RefusedRecords(`${dir}/../refused-records.jsonl`);
new Ingester({ reader, url: () => url, clock, refused }).start();
