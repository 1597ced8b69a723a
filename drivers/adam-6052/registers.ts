/**
 * Coils and registers of the ADAM-6052 (wire addresses, 0-based), and how 32-bit values stand in them. Sources: a public Python
 * driver for ADAM-6052 and 6060; the mapping table of the ADAM-4100 manual (pages 123-125), whose pulse registers are alike.
 */

export const INPUT_COUNT = 8;
export const OUTPUT_COUNT = 8;

/** Coils: inputs from 0, outputs from 16 (documented as 00017). */
export const INPUT_COILS = 0;
export const OUTPUT_COILS = 16;

/** Two registers a channel, low word first. */
export const counter = (input: number): number => 2 * input;
export const pulseLowWidth = (output: number): number => 16 + 2 * output;
export const pulseHighWidth = (output: number): number => 32 + 2 * output;
/** Writing a number makes so many pulses. 0 means without end: it is never written. */
export const absolutePulses = (output: number): number => 48 + 2 * output;

export const MODULE_NAME = 210;
/** "60 52" as the ADAM-4150 has "41 50"; for the 6052 this is inferred. */
export const MODULE_NAME_6052 = 0x6052;

export const OUTPUT_DIAGNOSTICS = 306;

export const U32_MAX = 0xffff_ffff;

export const u32FromWords = ([low = 0, high = 0]: readonly number[]): number => high * 0x1_0000 + low;
export const wordsFromU32 = (value: number): [number, number] => [value % 0x1_0000, Math.floor(value / 0x1_0000)];
