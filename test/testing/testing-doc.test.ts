import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeUserPackage, packageRoot } from "../user-package.js";

const run = promisify(execFile);
const page = await readFile(join(packageRoot, "docs/testing.md"), "utf8");
const examples = [...page.matchAll(/```(ts|js)\n(.*?)```/gs)].map(([, language, code], index) => ({
  language,
  code: code!,
  name: /test\("(.*?)"/.exec(code!)?.[1] ?? `example ${index + 1}`,
}));

/** A user's package, with Muninn among its dependencies. */
let directory: string;
beforeAll(async () => {
  directory = await makeUserPackage("vitest");
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test("the page has examples for Vitest, for node:test and for neither", () => {
  for (const from of ['"vitest"', '"node:test"']) expect(page).toContain(`from ${from}`);
  expect(examples.length).toBeGreaterThan(5);
  for (const { code } of examples) expect(code).toContain('from "muninn/testing"');
});

test.each(examples)("the example runs unchanged: $name", async ({ code, language, name }) => {
  const stem = name.replaceAll(/\W+/g, "-");
  const isVitest = code.includes('from "vitest"');
  const file = join(directory, `${stem}.test.${isVitest ? language : "mjs"}`);
  await writeFile(file, code);
  const options = {
    cwd: directory,
    env: {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      VITEST: undefined,
      NO_COLOR: "1",
      FORCE_COLOR: undefined,
    },
  };
  if (isVitest) {
    const vitest = join(packageRoot, "node_modules/vitest/vitest.mjs");
    const flags = ["run", "--root", directory, `${stem}.test`, "--testTimeout=30000"];
    expect((await run(process.execPath, [vitest, ...flags], options)).stdout).toContain("1 passed");
  } else if (code.includes('from "node:test"')) {
    const flags = ["--test", "--test-reporter=tap", file];
    expect((await run(process.execPath, flags, options)).stdout).toContain("# pass 1");
  } else {
    expect((await run(process.execPath, [file], options)).stdout).toBe("1000 lines\n");
  }
});
