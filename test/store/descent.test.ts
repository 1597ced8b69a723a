import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ItemFiles } from "#store/item-files.js";
import { world } from "../api/world.js";
import { openTestStore, openWriter, query, removeFolders, temporaryFolder, until } from "./support.js";

const RUN = "sim1-20261122-171500-93";

describe("descent over REST, on a real database", () => {
	const folder = temporaryFolder();
	let store: ReturnType<typeof openTestStore>;
	let app: Awaited<ReturnType<typeof world>>["app"];

	beforeAll(async () => {
		const writer = openWriter(join(folder, "journal"));
		await writer.close();
		store = openTestStore(folder);
		await until(() => store.health().state === "ready", 60_000);
		await query(
			store.url()!,
			`INSERT INTO runs (run, journal, created_seq, station, recipe, recipe_version, recipe_text, recipe_sha256, parameters, sample,
				product, operator, acknowledged, lab_file_text, lab_file_sha256, software_version, simulated, material, plan, state, created_at, planned_s)
			VALUES ($1, '00000000-0000-0000-0000-000000000000', 1, 'sim1', 'r', '1', '', '', '{}', '', '', 'mk', '{}', '', '', '', true, 'Li', '{}',
				'complete', now(), 1)`,
			[RUN],
		);
		({ app } = await world({ descent: store.descent, files: new ItemFiles(join(folder, "files"), 100_000) }));
	});
	afterAll(async () => {
		await app?.close();
		await store?.close();
		removeFolders(folder);
	});

	const ask = async (method: "GET" | "POST" | "PATCH", path: string, payload?: object) => {
		const reply = await app.inject({ method, url: `/api/v1${path}`, ...(payload === undefined ? {} : { payload }) });
		return { status: reply.statusCode, type: reply.headers["content-type"], body: reply.json() };
	};
	const make = async (path: string, payload: object) => {
		const { status, body } = await ask("POST", path, { by: "mk", ...payload });
		expect(body.detail).toBeUndefined();
		expect(status).toBe(201);
		return body.id as string;
	};

	it("follows a cell from its foil lot to its verdict, both ways, and knows a control by its lack of a run", async () => {
		const lot = await make("/foil-lots", { id: "Li-2026-03", material: "Li", thicknessUm: 350 });
		const foil = await make("/foils", { lot, barcode: "F1" });
		const other = await make("/foils", { lot });
		const sample = await make("/samples", { foil, runs: [RUN], name: "Li@200LiAlOx-ex" });
		const xps = await make("/characterisations", {
			of: sample,
			method: "XPS",
			values: [{ quantity: "Al 2p binding energy", value: 72.9, unit: "eV", uncertainty: 0.1 }],
		});
		const cellBody = { electrolyte: { name: "LiPF6" }, separator: "Celgard 2400", areaCm2: 1.131, format: "CR2032" };
		const cell = await make("/cells", { id: "C-77", barcode: "*C77*", working: sample, counter: other, ...cellBody });
		const control = await make("/cells", { working: other, counter: foil, ...cellBody });
		const test = await make("/tests", { cell, protocol: "li-li-1ma" });
		await ask("PATCH", `/tests/${test}`, { by: "mk", verdict: { kind: "short", atHours: 225.5, atCycle: 338 } });

		const ids = async (path: string) =>
			((await ask("GET", `${path}/descent`)).body.items as { id: string }[]).map((item) => item.id).sort();
		const tree = (await ask("GET", `/cells/${cell}/descent`)).body;
		expect(tree.runs).toEqual([RUN]);
		expect(await ids(`/cells/${cell}`)).toEqual([lot, foil, other, sample, xps, cell, test].sort());
		expect(await ids(`/foils/${foil}`)).toEqual([lot, foil, sample, xps, cell, test, control].sort());
		expect((await ask("GET", `/cells/${control}/descent`)).body.runs).toEqual([]);
		expect((await ask("GET", `/samples?parent=${RUN}`)).body.items.map((item: { id: string }) => item.id)).toEqual([
			sample,
		]);
		expect((await ask("GET", `/cells?barcode=${encodeURIComponent("*C77*")}`)).body.items[0].id).toBe(cell);

		const all = [lot, foil, other, sample, xps, cell, test, control].sort();
		expect(await ids(`/foil-lots/${lot}`)).toEqual(all);
		expect(await ids(`/tests/${test}`)).toEqual(await ids(`/cells/${cell}`));
		expect(await ids(`/characterisations/${xps}`)).toEqual([lot, foil, sample, xps].sort());
		const scanned = await ask("GET", `/barcodes/${encodeURIComponent("*C77*")}`);
		expect(scanned.body).toMatchObject({ kind: "cell", id: cell, areaCm2: 1.131, address: `/api/v1/cells/${cell}` });
		expect((await ask("GET", scanned.body.address.replace("/api/v1", ""))).body.id).toBe(cell);
		expect((await ask("GET", "/barcodes/none")).body.code).toBe("ITEM_NOT_FOUND");

		const crate = await ask("GET", `/cells/${cell}/ro-crate`);
		expect(crate.type).toMatch(/^application\/ld\+json/);
		const graph = crate.body["@graph"] as Record<string, unknown>[];
		expect(crate.body["@context"]).toBe("https://w3id.org/ro/crate/1.2/context");
		const defined = new Set(graph.map((each) => each["@id"]));
		const mentioned = JSON.stringify(graph)
			.match(/"@id":"#[^"]+"/g)!
			.map((each) => each.slice(7, -1));
		for (const id of mentioned) expect(defined).toContain(id);
		expect(graph.find((each) => each["@id"] === `#${encodeURIComponent(sample)}`)).toMatchObject({
			name: "Li@200LiAlOx-ex",
			isBasedOn: [{ "@id": `#${foil}` }, { "@id": `#${RUN}` }],
		});
	});

	it("refuses with every problem at once what contradicts its origin", async () => {
		const { status, type, body } = await ask("POST", "/samples", {
			foil: "Li-2026-03",
			runs: ["no-such-run"],
			name: "Na@200",
			by: "mk",
		});
		expect(status).toBe(422);
		expect(type).toMatch(/problem\+json/);
		expect(body.code).toBe("ITEM_INVALID");
		expect(body.problems.map(({ path }: { path: string }) => path)).toEqual(["name", "foil", "runs"]);
		const wrongMetal = await ask("POST", "/samples", { foil: "foil-2", runs: [RUN], name: "Na@200NaAlOx", by: "mk" });
		expect(wrongMetal.body.problems.map(({ message }: { message: string }) => message)).toEqual([
			'name is "Na@200NaAlOx". The foil is of Li.',
		]);
		const bare = await ask("POST", "/cells", { working: "foil-2" });
		expect(bare.status).toBe(400);
		expect(bare.body.problems.length).toBe(5);
		for (const id of ["a\u0000b", "a\nb", "", "cell-7", "../x"])
			expect((await ask("POST", "/foils", { id, lot: "Li-2026-03", by: "mk" })).status).toBe(400);
		expect((await ask("POST", "/foils", { barcode: "a\u0007", lot: "Li-2026-03", by: "mk" })).status).toBe(400);
		expect((await ask("POST", "/foils", { lot: "Li-2026-03" })).status).toBe(400);
	});

	it("keeps files by their content, whole or not at all, and attaches only what is there", async () => {
		const send = (payload: Buffer) =>
			app.inject({
				method: "POST",
				url: "/api/v1/files",
				payload,
				headers: { "content-type": "application/octet-stream" },
			});
		const payload = Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 251));
		const first = await send(payload);
		expect(first.statusCode).toBe(201);
		const { sha256, bytes } = first.json();
		expect(sha256).toBe(createHash("sha256").update(payload).digest("hex"));
		expect(bytes).toBe(70_000);
		expect((await send(payload)).json().sha256).toBe(sha256);
		const tooLarge = await send(Buffer.alloc(100_001));
		expect(tooLarge.statusCode).toBe(413);
		expect(readdirSync(join(folder, "files"))).toEqual([sha256.slice(0, 2)]);
		const back = await app.inject({ url: `/api/v1/files/${sha256}` });
		expect(back.rawPayload.equals(payload)).toBe(true);
		expect((await app.inject({ url: `/api/v1/files/${"0".repeat(64)}` })).statusCode).toBe(404);
		const sem = { of: "foil-2", method: "SEM", values: [], by: "mk" };
		const missing = await ask("POST", "/characterisations", {
			...sem,
			files: [{ name: "a.tif", sha256: "0".repeat(64) }],
		});
		expect(missing.body.problems[0].path).toBe("files[0].sha256");
		expect((await ask("POST", "/characterisations", { ...sem, files: [{ name: "a.tif", sha256 }] })).status).toBe(201);
	});

	it("answers a taken id or barcode with the item that has it, and writes nothing", async () => {
		const taken = await ask("POST", "/foils", { lot: "Li-2026-03", barcode: "F1", by: "xy" });
		expect(taken.status).toBe(409);
		expect(taken.body).toMatchObject({ code: "ITEM_EXISTS", context: { existing: { kind: "foil", barcode: "F1" } } });
		const sameId = await ask("POST", "/foil-lots", { id: "Li-2026-03", material: "Li", thicknessUm: 1, by: "xy" });
		expect(sameId.body.context.existing.body.thicknessUm).toBe(350);
		const [row] = await query<{ n: string }>(
			store.url()!,
			"SELECT count(*) AS n FROM lab_item_changes WHERE by = 'xy'",
		);
		expect(Number(row!.n)).toBe(0);
	});

	it("lets a hundred at once create one thing once", async () => {
		const replies = await Promise.all(
			Array.from({ length: 100 }, () => ask("POST", "/foils", { id: "F-once", lot: "Li-2026-03", by: "mk" })),
		);
		expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
		expect(replies.filter(({ status }) => status === 409)).toHaveLength(99);
	});

	it("keeps every change with who made it, deletes nothing, and lets nothing come from what was withdrawn", async () => {
		const lot = await make("/foil-lots", { id: "Li-bad", material: "Li", thicknessUm: 40, note: "first" });
		await ask("PATCH", `/foil-lots/${lot}`, { thicknessUm: 45, note: null, by: "ab" });
		const withdrawn = await ask("POST", `/foil-lots/${lot}/withdraw`, { by: "cd", reason: "Oxidised" });
		expect(withdrawn.body).toMatchObject({ thicknessUm: 45, revision: 3, withdrawn: { by: "cd", reason: "Oxidised" } });
		expect(withdrawn.body.note).toBeUndefined();
		const { changes } = (await ask("GET", `/foil-lots/${lot}/changes`)).body;
		expect(changes.map(({ act, by }: { act: string; by: string }) => `${act} ${by}`)).toEqual([
			"created mk",
			"changed ab",
			"withdrawn cd",
		]);
		expect(changes[1].before.body.thicknessUm).toBe(40);
		expect((await ask("PATCH", `/foil-lots/${lot}`, { thicknessUm: 1, by: "ab" })).body.code).toBe("ITEM_WITHDRAWN");
		expect((await ask("POST", "/foils", { lot, by: "mk" })).body.problems[0].message).toMatch(/withdrawn: Oxidised/);
		await expect(query(store.url()!, "DELETE FROM lab_items WHERE id = 'Li-bad'")).rejects.toThrow(/withdraw/);
		await expect(query(store.url()!, "UPDATE lab_item_changes SET by = 'x'")).rejects.toThrow();
	});

	it("pages lists newest first without losing or doubling one", async () => {
		for (let n = 0; n < 5; n += 1) await make("/foils", { lot: "Li-2026-03" });
		const seen: number[] = [];
		for (let before: number | null | undefined; before !== null; ) {
			const page: { items: { number: number }[]; next: number | null } = (
				await ask("GET", `/foils?limit=2${before === undefined ? "" : `&before=${before}`}`)
			).body;
			seen.push(...page.items.map((item) => item.number));
			before = page.next;
		}
		expect(new Set(seen).size).toBe(seen.length);
		expect(seen.length).toBe(8);
		expect(seen).toEqual([...seen].sort((a, b) => b - a));
	});

	it("takes nothing that is not what it says, whatever is tried, and keeps any language", async () => {
		const foil = await make("/foils", { lot: "Li-2026-03", barcode: "薄膜-№ 1 ’x’", note: "\u2028 Ω\n二" });
		expect((await ask("GET", `/barcodes/${encodeURIComponent("薄膜-№ 1 ’x’")}`)).body).toMatchObject({
			id: foil,
			note: "\u2028 Ω\n二",
		});
		const sample = { by: "mk", foil, runs: [RUN], name: "Li@200Al2O3" };
		const cell = { by: "mk", electrolyte: { name: "e" }, separator: "s", areaCm2: 1, format: "CR2032" };
		const value = { quantity: "q", value: 1, unit: "eV" };
		const attempts: [string, object, number][] = [
			["/samples", { ...sample, foil: "Li-2026-03" }, 422],
			["/samples", { ...sample, foil: ["F1"] }, 400],
			["/samples", { ...sample, runs: [] }, 400],
			["/samples", { ...sample, runs: [RUN, RUN] }, 400],
			["/samples", { ...sample, runs: ["no-such"] }, 422],
			["/samples", { ...sample, id: "sample-1" }, 400],
			["/samples", { ...sample, id: "../x" }, 400],
			["/samples", { ...sample, barcode: "a\0b" }, 400],
			["/cells", { ...cell, id: "C-self", working: "C-self", counter: foil }, 422],
			["/cells", { ...cell, working: "C-77", counter: foil }, 422],
			["/cells", { ...cell, working: foil }, 422],
			["/cells", { ...cell, working: foil, counter: foil, areaCm2: -1 }, 400],
			["/cells", { ...cell, working: foil, counter: foil, areaCm2: "1" }, 400],
			["/characterisations", { by: "mk", of: foil, method: "XPS", values: [{ ...value, value: null }] }, 400],
			["/characterisations", { by: "mk", of: foil, method: "xps", values: [value] }, 400],
			["/characterisations", { by: "mk", of: foil, method: "XPS", values: Array(501).fill(value) }, 400],
			[
				"/characterisations",
				{ by: "mk", of: foil, method: "SEM", values: [], files: [{ name: "a", sha256: "00" }] },
				400,
			],
			["/tests", { by: "mk", cell: foil, protocol: "p" }, 422],
			["/foils", { by: "mk", lot: "Li-2026-03", note: "x".repeat(300_000) }, 413],
			["/foils", { lot: "Li-2026-03" }, 400],
			["/foils", { by: "mk", lot: "Li-2026-03", kind: "cell" }, 400],
			["/foils", JSON.parse('{"by":"mk","lot":"Li-2026-03","__proto__":{"barcode":"P"}}'), 400],
		];
		const count = async () =>
			(await query<{ n: number }>(store.url()!, "SELECT count(*)::int AS n FROM lab_items"))[0]!.n;
		const before = await count();
		for (const [path, body, status] of attempts) {
			const answer = await ask("POST", path, body);
			expect([path, JSON.stringify(body).slice(0, 120), answer.status]).toEqual([
				path,
				JSON.stringify(body).slice(0, 120),
				status,
			]);
			expect(answer.body.code).toMatch(/^[A-Z_]+$/);
		}
		expect(await count()).toBe(before);
	});

	it("says 503 without a database and 404 for what is not there", async () => {
		const alone = await world();
		expect((await alone.app.inject({ url: "/api/v1/cells" })).statusCode).toBe(503);
		await alone.app.close();
		expect((await ask("GET", "/cells/none")).body.code).toBe("ITEM_NOT_FOUND");
		expect((await ask("GET", "/cells/F-once/descent")).status).toBe(404);
	});
});
