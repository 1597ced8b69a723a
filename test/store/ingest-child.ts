/** Takes a journal over until it is killed. Arguments: folder of the journal, address of the database. */
import { SystemClock } from "#core/clock.js";
import { JournalReader } from "#journal/reader.js";
import { Ingester } from "#store/ingester.js";

const [, , dir, url] = process.argv;
const clock = new SystemClock();
const reader = new JournalReader({ dir: dir!, name: "store", clock });
new Ingester({ reader, url: () => url, clock }).start();
