import { createRequire } from "node:module";

// By the package's own name: where this file lies is for the build to say.
const description = createRequire(import.meta.url)("muninn/package.json");

/** Muninn's own version. */
export const packageVersion: string = description.version;
