import { readFileSync } from "node:fs";
import { defineConfig } from "rolldown";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
/** Built before (web/rolldown.config.ts). */
const page = readFileSync("dist/page.html", "utf8");

/**
 * Packs the modules of the program into a few files, which its users start as `dist/bin.cjs`. Node loads these sooner,
 * CommonJS even more so: it needs no second loader and looks for no names in libraries. V8 knows what the constants of
 * a module are only within it: decoding takes a tenth less (docs/performance.md). Libraries stay where npm puts them.
 */
export default defineConfig({
  input: "dist/bin.js",
  platform: "node",
  external: /^[^./]/,
  logLevel: "warn",
  transform: { define: { packedVersion: JSON.stringify(version), packedPage: JSON.stringify(page) } },
  output: { dir: "dist", format: "cjs", entryFileNames: "[name].cjs", chunkFileNames: "chunks/[name].cjs" },
});
