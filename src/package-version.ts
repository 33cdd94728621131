import { readFileSync } from "node:fs";

const description = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** Muninn's own version. */
export const packageVersion: string = description.version;
