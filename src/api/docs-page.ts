/** The human documentation at /docs: one static page made from the OpenAPI document and the table of error codes. */
import { type CodeEntry, ERROR_CODES } from "#core/error-codes.js";

interface Operation {
	readonly tags?: readonly string[];
	readonly summary?: string;
	readonly description?: string;
	readonly parameters?: readonly {
		name: string;
		in: string;
		required?: boolean;
		description?: string;
		schema?: object;
	}[];
	readonly requestBody?: { content?: Record<string, Media> };
	readonly responses?: Record<string, { description?: string; content?: Record<string, Media> }>;
}

interface Media {
	readonly schema?: object;
	readonly example?: unknown;
	readonly examples?: Record<string, { value?: unknown }>;
}

interface Document {
	readonly info?: { title?: string; version?: string; description?: string };
	readonly tags?: readonly { name: string; description?: string }[];
	readonly paths?: Record<string, Record<string, Operation>>;
	readonly components?: { schemas?: Record<string, object> };
}

export function renderDocs(openapi: object): string {
	const document = openapi as Document;
	const operations = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
	);
	const sections = (document.tags ?? []).map(({ name, description }) => {
		const own = operations.filter(({ operation }) => operation.tags?.includes(name));
		const blocks = own.map(({ path, method, operation }) => renderOperation(path, method, operation));
		return `<h2 id="${escapeHtml(name)}">${escapeHtml(name)}</h2><p>${escapeHtml(description ?? "")}</p>${blocks.join("")}`;
	});
	const { title = "", version = "", description = "" } = document.info ?? {};
	return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'self'">
<title>${escapeHtml(title)} REST interface</title><link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs.css"></head><body>
<h1>${escapeHtml(title)} ${escapeHtml(version)}: REST interface</h1>
<p>${prose(description)} The same as a document for machines: <a href="/api/v1/openapi.json">OpenAPI 3.1</a>.</p>
<nav>${(document.tags ?? []).map(({ name }) => `<a href="#${escapeHtml(name)}">${escapeHtml(name)}</a>`).join(" ")}
<a href="#schemas">schemas</a> <a href="#errors">errors</a> <a href="/">status page</a></nav>
${sections.join("\n")}
<h2 id="schemas">schemas</h2>
${Object.entries(document.components?.schemas ?? {})
	.map(([name, schema]) => renderSchema(name, schema))
	.join("\n")}
<h2 id="errors">errors</h2>
<p>Every failure is <code>application/problem+json</code> (RFC 9457) with one of these codes.</p>
<table><tr><th>code</th><th>status</th><th>meaning</th><th>what to do</th></tr>
${Object.entries(ERROR_CODES).map(renderCode).join("\n")}</table>
</body></html>
`;
}

function renderOperation(path: string, method: string, operation: Operation): string {
	const parameters = (operation.parameters ?? []).map(
		(parameter) =>
			`<tr><td><code>${escapeHtml(parameter.name)}</code></td><td>${parameter.in}${parameter.required ? ", required" : ""}</td>` +
			`<td>${escapeHtml(parameter.description ?? "")}</td><td>${json(parameter.schema)}</td></tr>`,
	);
	const bodies = Object.entries(operation.requestBody?.content ?? {}).map(
		([type, media]) =>
			`<h4>Body <code>${escapeHtml(type)}</code></h4>${examples(media)}<details><summary>schema</summary>${json(media.schema)}</details>`,
	);
	const answers = Object.entries(operation.responses ?? {}).map(([status, answer]) => {
		const types = Object.keys(answer.content ?? {}).map((type) => `<code>${escapeHtml(type)}</code>`);
		const schemas = Object.values(answer.content ?? {}).map((media) => json(media.schema));
		const detail = Number(status) < 400 ? `<details><summary>schema</summary>${schemas.join("")}</details>` : "";
		return `<tr><td>${escapeHtml(status)}</td><td>${escapeHtml(answer.description ?? "")}</td><td>${types.join(" ")}${detail}</td></tr>`;
	});
	return `<section><h3><b class="${method}">${method.toUpperCase()}</b> <code>${escapeHtml(path)}</code></h3>
<p>${prose(`${operation.summary ?? ""}. ${operation.description ?? ""}`)}</p>
${parameters.length === 0 ? "" : `<table>${parameters.join("")}</table>`}
${bodies.join("")}
<table><tr><th>status</th><th>meaning</th><th>content</th></tr>${answers.join("")}</table></section>`;
}

function examples(media: Media): string {
	const given = [media.example, ...Object.values(media.examples ?? {}).map((example) => example.value)];
	return given
		.filter((example) => example !== undefined)
		.map(json)
		.join("");
}

function renderSchema(name: string, schema: object): string {
	return `<details id="schema-${escapeHtml(name)}"><summary><code>${escapeHtml(name)}</code></summary>${json(schema)}</details>`;
}

function renderCode([code, entry]: [string, CodeEntry]): string {
	return `<tr id="${code}"><td><code>${code}</code></td><td>${entry.http}</td><td>${escapeHtml(entry.meaning)}</td><td>${escapeHtml(entry.next)}</td></tr>`;
}

/** Text with its `names` set as code. */
const prose = (text: string): string => escapeHtml(text.trim()).replace(/`([^`]+)`/g, "<code>$1</code>");

const json = (value: unknown): string => `<pre>${escapeHtml(JSON.stringify(value, null, 2) ?? "")}</pre>`;

const ENTITIES: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
};

function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
