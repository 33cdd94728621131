import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTracer } from "../../../src/testing/entry.js";
import { formatAddress } from "../../../src/transport/address.js";

const run = promisify(execFile);
const packageRoot = fileURLToPath(new URL("../../..", import.meta.url));
const page = await readFile(join(packageRoot, "docs/forwarder.md"), "utf8");
const examples = [...page.matchAll(/```(ts|js)\n(.*?)```/gs)].map(([, language, code]) => ({
  language: language!,
  code: code!,
}));

/** Somebody else's package, with Muninn among its dependencies. */
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-"));
  await mkdir(join(directory, "node_modules"));
  await writeFile(join(directory, "package.json"), '{"type":"module"}');
  await symlink(packageRoot, join(directory, "node_modules/muninn"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("the page has an example in each language", () => {
  expect(examples.map(({ language }) => language)).toEqual(["js", "ts"]);
});

test.each(examples)(
  "the $language example runs, and a tracer has its messages",
  async ({ language, code }) => {
    await using tracer = await startTracer();
    // The address aside it is run as it stands.
    const placed = code.replace(/address: "[^"]*"/, `address: "${formatAddress(tracer.address)}"`);
    const file = join(directory, `example.${language}`);
    await writeFile(file, placed);
    let program = file;
    if (language === "ts") {
      const compiler = join(packageRoot, "node_modules/typescript/bin/tsc");
      const types = join(packageRoot, "node_modules/@types");
      const flags = [
        "--target",
        "es2022",
        "--lib",
        "es2022,esnext.disposable",
        "--module",
        "nodenext",
        "--strict",
      ];
      const where = ["--typeRoots", types, "--types", "node", file];
      await run(process.execPath, [compiler, ...flags, ...where], { cwd: directory });
      program = join(directory, "example.js");
    }
    await run(process.execPath, [program]);
    await tracer.settled();
    const namespaces = (await tracer.linesOf("shop")).map((line) => JSON.parse(line).ns);
    expect(namespaces).toEqual(language === "js" ? ["Shop.Order.Placed", "Shop.Stock"] : ["Shop.Opened"]);
  },
);
