import { defineConfig } from "vitest/config";
import { notInProcess } from "./in-process.js";

const covered = "test/{protocol,registry,nodes,sinks,daemon,wiring,testing}/**/*.test.ts";

/** `npm run mutation` runs the tests of the folders it mutates; a sample names those of its own group in MUTATION_TESTS. */
export default defineConfig({
  test: {
    include: process.env.MUTATION_TESTS?.split(" ") ?? [covered],
    exclude: notInProcess,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
