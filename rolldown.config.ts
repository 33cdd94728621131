import { defineConfig } from "rolldown";

/**
 * Packs the modules of the program into a few files, in the place of the first of them. Node loads these sooner, and
 * V8 knows what the constants of a module are only within it: decoding takes a tenth less (docs/performance.md).
 * Libraries stay where npm puts them.
 */
export default defineConfig({
  input: "dist/main.js",
  platform: "node",
  external: /^[^./]/,
  logLevel: "warn",
  output: { dir: "dist", chunkFileNames: "chunks/[name].js" },
});
