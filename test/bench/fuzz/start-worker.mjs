/** A worker thread does not inherit the loader of TypeScript: this registers it, then becomes the worker. */
import { register } from "tsx/esm/api";

register();
// A thread may not set the mask of its process; the control link's socket does without.
process.umask = () => 0o022;
await import("./worker.ts");
