import type { DriverDefinition } from "#device/contract.js";
import { type AtmosphereSettings, atmosphereSettingsSchema } from "./config.js";
import { MqttAtmosphere } from "./driver.js";
import { type AtmospherePort, AtmosphereSimulator } from "./simulator.js";

/** No `probeSettings`: what the payload is has to be declared. */
export const mqttAtmosphere: DriverDefinition<AtmosphereSettings, AtmospherePort> = {
	name: "mqtt-atmosphere",
	title: "Glovebox atmosphere monitor behind an MQTT broker (declared payload)",
	settingsSchema: atmosphereSettingsSchema,
	addressSchemes: ["mqtt", "mqtts"],
	timing: { timeoutMs: 5_000, retries: 0 },
	create: (context) => new MqttAtmosphere(context),
	simulate: (context) => new AtmosphereSimulator(context),
};
