import { defineConfig } from "vitest/config";

export default defineConfig({
	resolve: { conditions: ["source"] },
	ssr: { resolve: { conditions: ["source"] } },
	test: {
		include: ["test/**/*.test.ts"],
		setupFiles: ["test/support/properties.ts"],
		// For what hangs, not for what is slow: a shared machine may be ten times slower than a quiet one.
		testTimeout: 600_000,
		hookTimeout: 600_000,
		expect: { poll: { timeout: 60_000 } },
		maxWorkers: 2,
	},
});
