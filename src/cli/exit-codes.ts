import { type Consequence, ERROR_CODES, type ErrorCode } from "#core/error-codes.js";

export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, wrongIdentity: 4, refused: 5 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Codes that mean something else to a script than their consequence says. */
const BY_CODE: Partial<Record<ErrorCode, ExitCode>> = {
	USAGE: EXIT.usage,
	ADDRESS_INVALID: EXIT.usage,
	LAB_FILE_INVALID: EXIT.usage,
	RECIPE_NOT_FOUND: EXIT.usage,
	CYCLING_FILE_NOT_FOUND: EXIT.usage,
	SIGNAL_UNKNOWN: EXIT.usage,
	TUNE_DATA_INVALID: EXIT.usage,
	LINK_UNREACHABLE: EXIT.unreachable,
	LINK_LOST: EXIT.unreachable,
	DEVICE_SILENT: EXIT.unreachable,
	DEVICE_NOT_READY: EXIT.unreachable,
	CONTROL_UNREACHABLE: EXIT.unreachable,
	SERVICE_UNREACHABLE: EXIT.unreachable,
	DATABASE_UNAVAILABLE: EXIT.unreachable,
	IDENTITY_MISMATCH: EXIT.wrongIdentity,
	IDENTITY_UNKNOWN: EXIT.wrongIdentity,
	INTERLOCK_TRIPPED: EXIT.refused,
	JOURNAL_LOCKED: EXIT.refused,
	DISK_FULL: EXIT.refused,
};

const BY_CONSEQUENCE: Record<Consequence, ExitCode> = {
	"refuse-start": EXIT.failed,
	"refuse-command": EXIT.refused,
	"device-fault": EXIT.failed,
	"safe-state": EXIT.failed,
	report: EXIT.failed,
};

/** The exit code of the command for an error: 1 failed, 2 usage, 3 unreachable, 4 wrong identity, 5 refused. */
export function exitCodeOf(code: ErrorCode): ExitCode {
	return BY_CODE[code] ?? BY_CONSEQUENCE[ERROR_CODES[code].consequence];
}
