import type { Area } from "./area.js";
import { DOCUMENT_AREAS } from "./documents.js";
import { LINK_AREAS } from "./links.js";
import { WIRE_AREAS } from "./wire.js";

export const AREAS: readonly Area[] = [...DOCUMENT_AREAS, ...LINK_AREAS, ...WIRE_AREAS];
