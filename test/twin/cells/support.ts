import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { CellSpec } from "#twin/cells/cell.js";
import { type CellConstants, parseCellConstants } from "#twin/cells/constants.js";

export const cellsText = (): string =>
	readFileSync(resolve(import.meta.dirname, "../../../recipes/twins/cells.twin.yaml"), "utf8");

export const cellConstants = (): CellConstants => parseCellConstants(cellsText(), "cells.twin.yaml");

export const symmetric: CellSpec = { couple: "Li-Li", finish: "bare", foilUm: 350, areaCm2: 1 };
export const phosphate: CellSpec = { couple: "Li-LFP", finish: "bare", foilUm: 350, areaCm2: 1, activeMassMg: 6 };
