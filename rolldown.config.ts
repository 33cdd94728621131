import { readdirSync, readFileSync } from "node:fs";
import { defineConfig } from "rolldown";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
/** Built before (web/rolldown.config.ts). */
const page = readFileSync("dist/page.html", "utf8");

/** Libraries of many modules that every start loads. They name no files of their own, so they can be packed, too. */
const packed = ["commander", "lru-cache", "valibot", "yaml"];
/** What the page is packed with. */
const inPage = ["@preact/signals", "@preact/signals-core", "preact", "uplot"];

/** The licence of a library, which goes where its code goes. */
function notice(library: string): string {
  const directory = `node_modules/${library}`;
  const { version, license } = JSON.parse(readFileSync(`${directory}/package.json`, "utf8")) as {
    version: string;
    license: string;
  };
  const file = readdirSync(directory).find((name) => /^licen[cs]e(\.\w+)?$/i.test(name));
  if (file === undefined) throw new Error(`${library} has no file with its licence`);
  return `${library} ${version} (${license})\n\n${readFileSync(`${directory}/${file}`, "utf8").trim()}\n`;
}

/**
 * Packs the modules of the program into a few files, which its users start as `dist/bin.cjs`. Node loads these sooner,
 * CommonJS even more so: it needs no second loader and looks for no names in libraries. V8 knows what the constants of
 * a module are only within it: decoding takes a tenth less (docs/performance.md). Other libraries stay where npm puts them.
 */
export default defineConfig({
  input: "dist/bin.js",
  platform: "node",
  external: (id) => !/^[./]/.test(id) && !packed.includes(id),
  logLevel: "warn",
  transform: { define: { packedVersion: JSON.stringify(version), packedPage: JSON.stringify(page) } },
  plugins: [
    {
      name: "licences",
      generateBundle() {
        const source = [...packed, ...inPage].map(notice).join(`\n${"-".repeat(80)}\n\n`);
        this.emitFile({ type: "asset", fileName: "THIRD-PARTY-LICENCES.txt", source });
      },
    },
  ],
  output: { dir: "dist", format: "cjs", entryFileNames: "[name].cjs", chunkFileNames: "chunks/[name].cjs" },
});
