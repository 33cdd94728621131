import { defineConfig } from "vitest/config";

// The tests that mutants run against (`npm run mutation`): those in which the mutated sources run in the test's own process.
export default defineConfig({
  test: {
    include: ["test/{protocol,registry}/**/*.test.ts"],
    exclude: ["test/registry/other-processes.test.ts"],
    testTimeout: 10_000,
  },
});
