/** What the lab file says about one BTS server and the channels on it that are Adlayer's. */
export interface NewareBts8Settings {
	/** Name of a channel -> where it is and what it can do. */
	readonly channels: Readonly<Record<string, NewareChannelSettings>>;
	/** Zone of the BTS computer's clock, an IANA name: its timestamps carry none. */
	readonly time_zone: string;
	/** One folder seen from both sides: the steps of a test are written here and started from there. Tests cannot be started without. */
	readonly steps_folder?: { readonly here: string; readonly there: string };
	/** Folder on the BTS computer into which it backs tests up. */
	readonly backup_folder?: string;
	readonly username?: string;
	readonly password?: string;
}

export interface NewareChannelSettings {
	/** devid-subdevid-chlid, as BTS shows it: 21-1-1. */
	readonly at: string;
	/** The channel's own range, from its nameplate. A symmetric cell needs one on both sides of 0 V. */
	readonly voltage_V: { readonly min: number; readonly max: number };
	readonly current_A_max: number;
}

/** As BTS is delivered. */
export const DEFAULT_USERNAME = "admin";
export const DEFAULT_PASSWORD = "neware";
export const DEFAULT_BACKUP_FOLDER = "C:\\Neware data\\";

/** JSON Schema (draft-07) of the settings. */
export const newareBts8SettingsSchema = {
	type: "object",
	additionalProperties: false,
	required: ["channels", "time_zone"],
	properties: {
		channels: {
			description: "The channels that Adlayer may use, by name.",
			type: "object",
			propertyNames: { pattern: "^[A-Za-z][A-Za-z0-9_]{0,22}$" },
			additionalProperties: {
				type: "object",
				additionalProperties: false,
				required: ["at", "voltage_V", "current_A_max"],
				properties: {
					at: {
						description: "devid-subdevid-chlid, as BTS shows it.",
						type: "string",
						pattern: "^\\d{1,6}-\\d{1,4}-\\d{1,4}$",
					},
					voltage_V: {
						description: "The channel's own range, V. min below 0 only where the channel really has a negative range.",
						type: "object",
						additionalProperties: false,
						required: ["min", "max"],
						properties: {
							min: { type: "number", minimum: -1000, maximum: 1000 },
							max: { type: "number", minimum: -1000, maximum: 1000 },
						},
					},
					current_A_max: {
						description: "Largest current in either direction, A.",
						type: "number",
						exclusiveMinimum: 0,
					},
				},
			},
		},
		time_zone: {
			description: "Time zone of the BTS computer's clock, e.g. Europe/Zurich; its timestamps carry none.",
			type: "string",
			minLength: 1,
		},
		steps_folder: {
			description: "One folder seen from both sides: the files of steps are written `here` and started from `there`.",
			type: "object",
			additionalProperties: false,
			required: ["here", "there"],
			properties: { here: { type: "string", minLength: 1 }, there: { type: "string", minLength: 1 } },
		},
		backup_folder: { description: "Folder on the BTS computer for its own backups.", type: "string", minLength: 1 },
		username: { type: "string" },
		password: { type: "string" },
	},
} as const;
