import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Most tests wait for something most of the time: more of them at once than there are cores.
    maxWorkers: Math.max(3, availableParallelism()),
    // Machines of CI are shared: one test of thousands that came too late there is tried once more, and vitest says so.
    retry: process.env.CI === undefined ? 0 : 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default", "json"],
    outputFile: { json: "run/test-report.json" },
  },
});
