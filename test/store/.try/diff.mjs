import { readFileSync } from "node:fs";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import * as glue from "@prisma/schema-engine-wasm/schema_engine_bg";

const bytes = readFileSync("node_modules/@prisma/schema-engine-wasm/schema_engine_bg.wasm");
const { instance } = await WebAssembly.instantiate(bytes, { "./schema_engine_bg.js": glue });
glue.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();
const engine = await glue.SchemaEngine.new(
	{ datamodels: [["schema.prisma", readFileSync("prisma/schema.prisma", "utf8")]] },
	(l) => console.error(l),
	bindMigrationAwareSqlAdapterFactory(new PrismaPg({ connectionString: process.argv[2] ?? "postgresql://x" })),
);
const r = await engine.diff({
	from: { tag: "empty" },
	to: {
		tag: "schemaDatamodel",
		files: [{ path: "schema.prisma", content: readFileSync("prisma/schema.prisma", "utf8") }],
	},
	script: true,
	exitCode: null,
	filters: { externalTables: [], externalEnums: [] },
	shadowDatabaseUrl: null,
});
console.log(r.stdout);
