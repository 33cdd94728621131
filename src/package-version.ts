import { createRequire } from "node:module";

/** Set when the program is bundled (rolldown.config.ts). */
declare const packedVersion: string | undefined;

/** Muninn's own version, as in its package.json. */
export const packageVersion: string =
  typeof packedVersion === "string"
    ? packedVersion
    : createRequire(import.meta.url)("muninn/package.json").version;
