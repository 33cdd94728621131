import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { KeySpool } from "../../src/verification/key-spool.js";
import { lineKey } from "../../src/verification/line-key.js";
import { sentLines } from "../../src/verification/log-lines.js";
import { OrderCount } from "../../src/verification/order-count.js";
import { RecentKeys } from "../../src/verification/recent-keys.js";
import type { SentKeys } from "../../src/verification/sent-window.js";

async function from(sent: SentKeys, index: number): Promise<number[]> {
  const keys: number[] = [];
  for await (const some of sent.keysFrom(index)) keys.push(...some);
  return keys;
}

const numbers = (begin: number, end: number) =>
  Array.from({ length: end - begin }, (_, index) => begin + index);

test("the keys of several runs can be read from any index, whichever run that is in", async () => {
  await using spool = await KeySpool.open();
  for (const key of numbers(0, 30)) await spool.add(`run ${Math.floor(key / 10)}`, key);
  const sent = await spool.joined(["run 0", "run 1", "none", "run 2"]);
  for (const index of [0, 5, 10, 15, 25, 29, 30]) expect(await from(sent, index)).toEqual(numbers(index, 30));
});

test("the lines of several files can be read from any index, without the empty first line of each", async () => {
  const directory = await mkdtemp(join(tmpdir(), "muninn-lines-"));
  const files = [0, 1, 2].map((file) => join(directory, `${file}.json`));
  for (const [file, path] of files.entries())
    await writeFile(path, `\n${numbers(3 * file, 3 * file + 3).join("\n")}\n`);
  const keys = numbers(0, 9).map((number) => lineKey(Buffer.from(`${number}`), 0, 1));
  for (const index of numbers(0, 10)) expect(await from(sentLines(files), index)).toEqual(keys.slice(index));
  await rm(directory, { recursive: true });
});

test("only as many recent keys are remembered as there is room for, each as often as it was added", () => {
  const recent = new RecentKeys(3);
  const remembered = () => numbers(0, 10).filter((key) => recent.has(key));
  for (const key of [1, 2, 2]) recent.add(key);
  expect(remembered()).toEqual([1, 2]);
  recent.add(4);
  expect(remembered()).toEqual([2, 4]);
  recent.add(5);
  expect(remembered()).toEqual([2, 4, 5]);
  recent.add(6);
  expect(remembered()).toEqual([4, 5, 6]);
});

test("what is settled still counts as in order", () => {
  const order = new OrderCount();
  // Every tenth of the indexes comes one too late.
  const indexes = numbers(0, 20_000);
  for (let at = 0; at + 1 < indexes.length; at += 10)
    [indexes[at], indexes[at + 1]] = [indexes[at + 1]!, indexes[at]!];
  for (const [at, index] of indexes.entries()) order.add(index, Math.max(0, at - 1));
  expect(order.inOrder).toBe(18_000);
});
