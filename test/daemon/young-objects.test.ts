import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";

const mebibyte = 1_024 * 1_024;
const builtModule = pathToFileURL("dist/daemon/young-objects.js").href;

/** Makes many objects of which some live for a while, and prints how much memory V8 uses for young ones at the end. */
const program = `
  const { boundYoungObjects } = await import(${JSON.stringify(builtModule)});
  if (process.argv[1] === "bounded") boundYoungObjects();
  let kept = [];
  for (let turn = 0; turn < Number(process.argv[2]); turn += 1) {
    for (let n = 0; n < 20_000; n += 1) kept.push({ n, list: [n] });
    if (turn % 8 === 0) kept = [];
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { getHeapSpaceStatistics } = await import("node:v8");
  console.log(getHeapSpaceStatistics().find((space) => space.space_name === "new_space").space_size);
`;

function youngBytes(which: "bounded" | "free", turns: number, nodeOptions = ""): number {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", program, which, `${turns}`],
    { encoding: "utf8", env: { ...process.env, NODE_OPTIONS: nodeOptions } },
  );
  expect(stderr).toBe("");
  return Number(stdout);
}

/** Of the program: a few collections, and more than a hundred. */
const [shortWhile, longWhile] = [40, 600];

test("V8's memory for young objects grows beyond 16 MiB by itself, but not if we bound it", () => {
  expect(youngBytes("free", longWhile)).toBeGreaterThan(16 * mebibyte);
  expect(youngBytes("bounded", longWhile)).toBe(16 * mebibyte);
});

test("it stays at 8 MiB until there is load for a while", () => {
  expect(youngBytes("free", shortWhile)).toBeGreaterThan(8 * mebibyte);
  expect(youngBytes("bounded", shortWhile)).toBeLessThanOrEqual(8 * mebibyte);
});

test("the operator's own setting of that memory wins", () => {
  expect(youngBytes("bounded", longWhile, "--max-semi-space-size=16")).toBeGreaterThan(16 * mebibyte);
});
