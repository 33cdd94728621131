import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTracer } from "../../src/testing/entry.js";
import { formatAddress } from "../../src/transport/address.js";
import { compile, makeUserPackage, packageRoot } from "../user-package.js";

const run = promisify(execFile);
const page = await readFile(join(packageRoot, "docs/pino.md"), "utf8");

let directory: string;
beforeEach(async () => {
  directory = await makeUserPackage("pino");
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
// @ts-expect-error not a severity
export const wrong: PinoTransportOptions = { name: "shop", address: "/s", severities: { notice: "High" } };
`,
  );
  await compile(file, "--noEmit");
});
