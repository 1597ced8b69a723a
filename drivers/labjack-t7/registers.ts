/**
 * Register addresses of the LabJack T7 (wire addresses, 0-based) and the names of its errors.
 * Source: LabJack's machine-readable register map ljm_constants.json (github.com/labjack/ljm_constants).
 * A UINT32 or FLOAT32 takes two registers, the more significant word at the lower address.
 */

/** Digital lines DIO0..DIO22: FIO0-7, EIO0-7 (DIO8-15), CIO0-3 (DIO16-19), MIO0-2 (DIO20-22). */
export const LINE_COUNT = 23;
export const ALL_LINES_MASK = 2 ** LINE_COUNT - 1;

/** Lines that can make timed pulses on a T7 (the list is also that of the hvl_ccb driver). */
export const PULSE_LINES: readonly number[] = [0, 2, 3, 4, 5];

/** Core clock of the DIO_EF clock sources, and the divisors they accept (error 2559 otherwise). */
export const CORE_CLOCK_HZ = 80_000_000;
export const CLOCK_DIVISORS = [1, 2, 4, 8, 16, 32, 64, 256] as const;
export type ClockDivisor = (typeof CLOCK_DIVISORS)[number];

/** DIO_EF_INDEX of the pulse-out feature. */
export const EF_INDEX_PULSE_OUT = 2;

export const TEST = 55_100;
export const TEST_VALUE = 0x0011_2233;
export const TEST_UINT16 = 55_110;
export const TEST_UINT32 = 55_120;
export const TEST_FLOAT32 = 55_124;

export const PRODUCT_ID = 60_000;
export const PRODUCT_ID_T7 = 7;
export const HARDWARE_VERSION = 60_002;
export const FIRMWARE_VERSION = 60_004;
export const SERIAL_NUMBER = 60_028;

export const LAST_ERR_DETAIL = 55_000;
export const LUA_RUN = 6_000;
export const CORE_TIMER = 61_520;

export const DIO_STATE = 2_800;
export const DIO_DIRECTION = 2_850;
export const DIO_INHIBIT = 2_900;
/** Writing makes the line an output at that level; **reading makes it an input**. */
export const dio = (line: number): number => 2_000 + line;

/** Clock 0 is 32 bits wide; clocks 1 and 2 are its 16-bit halves and must be off while it runs (error 2558). */
export const CLOCK0_ENABLE = 44_900;
export const CLOCK0_DIVISOR = 44_901;
export const CLOCK0_OPTIONS = 44_902;
export const CLOCK0_ROLL_VALUE = 44_904;
export const CLOCK0_COUNT = 44_908;
export const CLOCK1_ENABLE = 44_910;
export const CLOCK2_ENABLE = 44_920;
/** ENABLE, DIVISOR, OPTIONS (2), ROLL_VALUE (2) lie side by side. */
export const CLOCK_BLOCK_WORDS = 6;

export const efEnable = (line: number): number => 44_000 + 2 * line;
export const efIndex = (line: number): number => 44_100 + 2 * line;
export const efClockSource = (line: number): number => 44_200 + 2 * line;
export const efConfigA = (line: number): number => 44_300 + 2 * line;
export const efConfigB = (line: number): number => 44_400 + 2 * line;
export const efConfigC = (line: number): number => 44_500 + 2 * line;
export const efConfigD = (line: number): number => 44_600 + 2 * line;
export const efReadA = (line: number): number => 3_000 + 2 * line;
export const efReadB = (line: number): number => 3_200 + 2 * line;

export const WATCHDOG_ENABLE = 61_600;
export const WATCHDOG_ADVANCED = 61_602;
export const WATCHDOG_TIMEOUT_S = 61_604;
export const WATCHDOG_STARTUP_DELAY_S = 61_606;
export const WATCHDOG_STRICT_ENABLE = 61_610;
export const WATCHDOG_STRICT_KEY = 61_612;
export const WATCHDOG_STRICT_CLEAR = 61_614;
export const WATCHDOG_RESET_ENABLE = 61_620;
export const WATCHDOG_DIO_ENABLE = 61_630;
export const WATCHDOG_DIO_STATE = 61_632;
export const WATCHDOG_DIO_DIRECTION = 61_634;
export const WATCHDOG_DIO_INHIBIT = 61_636;
export const WATCHDOG_DAC0_ENABLE = 61_640;
export const WATCHDOG_DAC0 = 61_642;
export const WATCHDOG_DAC1_ENABLE = 61_650;
export const WATCHDOG_DAC1 = 61_652;

/** The first firmware with the watchdog registers. */
export const FIRMWARE_VERSION_MIN = 1.0016;

/** What LAST_ERR_DETAIL says after a Modbus exception, where it concerns this driver. */
export const LABJACK_ERRORS: Readonly<Record<number, string>> = {
	2300: "MODBUS_RSP_OVERFLOW",
	2301: "MODBUS_CMD_OVERFLOW",
	2313: "MODBUS_INVALID_NUM_REGISTERS",
	2314: "MODBUS_READ_TOO_LARGE",
	2315: "MODBUS_NUM_REGS_MUST_BE_EVEN",
	2385: "LUA_IS_RUNNING",
	2500: "HW_DIO_NOT_AVAILABLE",
	2550: "EF_DIO_HAS_NO_TNC_FEATURES",
	2551: "EF_INVALID_TYPE",
	2552: "EF_TYPE_NOT_SUPPORTED",
	2553: "EF_PIN_TYPE_MISMATCH",
	2554: "EF_CLOCK_SOURCE_NOT_ENABLED",
	2555: "EF_32BIT_DATA_INTO_16BIT_REG",
	2556: "EF_SET_TO_32BIT",
	2557: "EF_SMOOTH_VALUE_OUT_OF_RANGE",
	2558: "EF_32BIT_REQUIRES_BOTH_CNT0and1",
	2559: "EF_PRESCALE_VALUE_INVALID",
	2560: "EF_PIN_RESERVED",
	2561: "EF_INVALID_DIO_NUMBER",
	2563: "EF_LINE_MUST_BE_LOW_BEFORE_STARTING",
	2564: "EF_INVALID_DIVISOR",
	2565: "EF_VALUE_GREATER_THAN_PERIOD",
	2566: "EF_CAN_NOT_CHANGE_INDEX_WHILE_ENABLED",
	2670: "SWDT_ROLLT_INVALID",
	2671: "SWDT_ENABLED",
	2672: "SWDT_DIO_SETTINGS_INVALID",
	2673: "SWDT_DAC0_SETTINGS_INVALID",
	2674: "SWDT_DAC1_SETTINGS_INVALID",
};
