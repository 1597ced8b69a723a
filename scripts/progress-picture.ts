/** Draws docs/images/progress.svg: the progress view of a coating in virtual time, as a terminal shows it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { renderProgress } from "#cli/progress.js";
import { VirtualPlant } from "../test/support/virtual-plant.js";

const FILE = resolve(import.meta.dirname, "../docs/images/progress.svg");
const COLUMNS = 84;
const CYCLE = 117;
const CHAR_PX = 8.4;
const LINE_PX = 20;
const MARGIN_PX = 18;

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(" ", "\u00a0");

function svg(lines: readonly string[]): string {
	const width = Math.ceil(COLUMNS * CHAR_PX + 2 * MARGIN_PX);
	const height = lines.length * LINE_PX + 2 * MARGIN_PX;
	const text = lines.map((line, row) => {
		const y = MARGIN_PX + (row + 0.75) * LINE_PX;
		const colour = line.includes("SIMULATED") ? "#ffd166" : "#e6edf3";
		return `\t<text x="${MARGIN_PX}" y="${y}" fill="${colour}">${escaped(line)}</text>`;
	});
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14">`,
		`\t<title>Progress of a coating in the terminal</title>`,
		`\t<rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
		...text,
		"</svg>",
		"",
	].join("\n");
}

const plant = await new VirtualPlant().ready();
await plant.launch("li-two-step.recipe.yaml");
await plant.clock.advanceUntil(() => plant.control.status.run?.cycles.complete === CYCLE, 20_000_000);
const lines = renderProgress(plant.control.status, COLUMNS);
mkdirSync(dirname(FILE), { recursive: true });
writeFileSync(FILE, svg(lines));
console.log(lines.join("\n"));
await plant.stop();
