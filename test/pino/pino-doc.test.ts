import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTracer } from "../../src/testing/entry.js";
import { formatAddress } from "../../src/transport/address.js";

const run = promisify(execFile);
const packageRoot = fileURLToPath(new URL("../..", import.meta.url));
const page = await readFile(join(packageRoot, "docs/pino.md"), "utf8");

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-"));
  await mkdir(join(directory, "node_modules"));
  await writeFile(join(directory, "package.json"), '{"type":"module"}');
  await symlink(packageRoot, join(directory, "node_modules/muninn"));
  await symlink(join(packageRoot, "node_modules/pino"), join(directory, "node_modules/pino"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("the example runs, and its first message gives the line on the page", async () => {
  const code = /```js\n(.*?)```/s.exec(page)![1]!;
  const shown = JSON.parse(/```json\n(.*?)```/s.exec(page)![1]!);
  await using tracer = await startTracer();
  const file = join(directory, "example.js");
  await writeFile(file, code.replace(/address: "[^"]*"/, `address: "${formatAddress(tracer.address)}"`));
  await run(process.execPath, [file]);
  await tracer.settled();
  const lines = (await tracer.linesOf("shop")).map((line) => JSON.parse(line));
  expect(lines.map(({ ns, sev }) => [ns, sev])).toEqual([
    ["Shop.Orders", "Info"],
    ["Shop.Stock", "Warning"],
    ["Shop.Orders", "Error"],
  ]);
  const own = { at: expect.any(String), thread: expect.any(String), host: expect.any(String) };
  expect(lines[0]).toEqual({ ...shown, ...own });
});

test("the types of the options are complete for a program in TypeScript", async () => {
  const file = join(directory, "typed.ts");
  await writeFile(
    file,
    `import type { PinoTransportOptions } from "muninn/pino";
export const options: PinoTransportOptions = { name: "shop", address: "/s", severities: { notice: "Notice" } };
// @ts-expect-error a severity that is none
export const wrong: PinoTransportOptions = { name: "shop", address: "/s", severities: { notice: "High" } };
`,
  );
  const compiler = join(packageRoot, "node_modules/typescript/bin/tsc");
  const types = join(packageRoot, "node_modules/@types");
  const flags = [
    "--noEmit",
    "--target",
    "es2022",
    "--lib",
    "es2022,esnext.disposable",
    "--module",
    "nodenext",
    "--strict",
  ];
  await run(process.execPath, [compiler, ...flags, "--typeRoots", types, "--types", "node", file], {
    cwd: directory,
  });
});
