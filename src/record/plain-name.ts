/** Names are printed, scanned and put into files: no control characters, no halves of characters. */
export const PLAIN = "^[^\\p{Cc}\\p{Cs}]*$";

/** Longest name of a person who did something, in characters. */
export const BY_CHARS_MAX = 100;
