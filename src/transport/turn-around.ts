/** Bytes that a two-wire line may give before a reply while it turns around, where frames are text. */
export const TURN_AROUND: readonly number[] = [0x00, 0xff];
