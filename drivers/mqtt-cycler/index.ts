import type { DriverDefinition } from "#device/contract.js";
import { type MqttCyclerSettings, mqttCyclerSettingsSchema } from "./config.js";
import { MqttCycler } from "./driver.js";
import { type MqttCyclerPort, MqttCyclerSimulator } from "./simulator.js";

/** No `probeSettings`: the channels have to be declared. */
export const mqttCycler: DriverDefinition<MqttCyclerSettings, MqttCyclerPort> = {
	name: "mqtt-cycler",
	title: "Battery cycler behind an MQTT bridge (Adlayer's bridge contract)",
	settingsSchema: mqttCyclerSettingsSchema,
	addressSchemes: ["mqtt", "mqtts"],
	timing: { timeoutMs: 10_000, retries: 0 },
	create: (context) => new MqttCycler(context),
	simulate: (context) => new MqttCyclerSimulator(context),
};
