import { readFileSync } from "node:fs";
import { defineConfig } from "rolldown";
import { pageStyle } from "../src/http/page-style.ts";

const from = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");

/** Packs the page into one file, `dist/page.html`, which the program holds as a text (rolldown.config.ts). */
export default defineConfig({
  input: "web/main.tsx",
  platform: "browser",
  tsconfig: "web/tsconfig.json",
  logLevel: "warn",
  resolve: { extensionAlias: { ".js": [".ts", ".tsx", ".js"] } },
  output: { dir: "dist", format: "iife", minify: true },
  plugins: [
    {
      name: "one file",
      generateBundle(_, bundle) {
        const script = Object.values(bundle).find((output) => output.type === "chunk");
        if (script === undefined) throw new Error("there is no script");
        for (const name of Object.keys(bundle)) delete bundle[name];
        const files = ["../node_modules/uplot/dist/uPlot.min.css", "page.css", "lists.css", "metrics.css"];
        const style = [pageStyle, ...files.map(from)].join("\n");
        // Neither may contain the end tag of its own element.
        const parts: Record<string, string> = {
          style: `<style>${style.replaceAll("</", "<\\/")}</style>`,
          script: `<script>${script.code.replaceAll("</script", "<\\/script")}</script>`,
        };
        const source = from("page.html").replace(
          /<!--(\w+)-->/g,
          (mark, part: string) => parts[part] ?? mark,
        );
        this.emitFile({ type: "asset", fileName: "page.html", source });
      },
    },
  ],
});
