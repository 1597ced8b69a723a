/** Properties are tried on the same examples in every run; `ADLAYER_SEED` gives others. */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env.ADLAYER_SEED ?? 1) });
