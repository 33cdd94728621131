import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readLogBytes } from "../../src/log-files/log-file-bytes.js";
import { logFileName } from "../../src/log-files/log-file-names.js";
import { FollowedNode } from "../../src/tail/followed-node.js";
import { logFilesOf, openLog } from "../../src/tail/log-tree.js";
import { tailFiles } from "../../src/tail/tail-files.js";
import { begin, logRoot, machineText, textsOf, writeLog } from "./logs.js";

const root = logRoot();
const nameAt = (second: number) => logFileName(begin + second, "json");

async function shown(count: number | undefined = 10): Promise<string[]> {
  const lines: string[] = [];
  const options = { root: root.path, nodes: [], count, wanted: {}, follow: false, remark: () => {} };
  for await (const some of tailFiles(options)) lines.push(...textsOf([...some]));
  return lines;
}

test("pipes, links and directories named like logs are not read, and nothing waits for them", async () => {
  await writeLog(root.path, "a", 0, [machineText(0, "sound")]);
  execFileSync("mkfifo", [join(root.path, "a", nameAt(1))]);
  await symlink("/dev/zero", join(root.path, "a", nameAt(2)));
  await mkdir(join(root.path, "a", nameAt(3)));
  expect(await shown()).toEqual(["sound"]);
});

test("a file that became a pipe or a link after it was listed counts as missing", async () => {
  execFileSync("mkfifo", [join(root.path, "pipe")]);
  await symlink("/dev/zero", join(root.path, "link"));
  await expect(openLog(join(root.path, "pipe"))).rejects.toMatchObject({ code: "ENOENT" });
  await expect(openLog(join(root.path, "link"))).rejects.toMatchObject({ code: "ELOOP" });
});

test("a line of 40 MB without an end is shown in pieces", async () => {
  await mkdir(join(root.path, "a"));
  await writeFile(join(root.path, "a", nameAt(0)), Buffer.alloc(40 * 2 ** 20, "a"));
  const options = { root: root.path, nodes: [], count: 10, wanted: {}, follow: false, remark: () => {} };
  let longest = 0;
  for await (const some of tailFiles(options))
    for (const { text } of some) longest = Math.max(longest, text.length);
  expect(longest).toBeLessThan(18 * 2 ** 20);
});

test("a followed file that unpacks to very much is taken a part at a time", async () => {
  await writeLog(root.path, "a", 0, [machineText(0, "first")]);
  const directory = { node: "a", path: join(root.path, "a"), form: "machine" } as const;
  const followed = new FollowedNode(directory, expect.fail);
  await followed.begin(await logFilesOf(directory), 0);
  const many = `${machineText(1, "x")}\n`.repeat(400_000);
  await writeFile(join(root.path, "a", `${nameAt(1)}.gz`), gzipSync(many));
  await followed.look();
  let lines = 0;
  let mostAtOnce = 0;
  for (let polls = 0; lines < 400_001 && polls < 1_000; polls += 1) {
    const some = await followed.poll(65_536);
    lines += some.length;
    mostAtOnce = Math.max(mostAtOnce, some.length);
  }
  await followed.close();
  expect(lines).toBe(400_001);
  expect(mostAtOnce).toBeLessThan(50_000);
});

/** A frame of Zstandard with blocks of 128 KiB of the same byte, four bytes each. */
function zstdBomb(blocks: number): Buffer {
  const block = (isLast: boolean) => {
    const head = (131_072 << 3) | (1 << 1) | (isLast ? 1 : 0);
    return Buffer.from([head & 0xff, (head >> 8) & 0xff, (head >> 16) & 0xff, 0x61]);
  };
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58]);
  return Buffer.concat([frame, ...Array.from({ length: blocks }, (_, at) => block(at === blocks - 1))]);
}

test("a compressed file that unpacks to 32,000 times its size is unpacked a part at a time", async () => {
  const file = join(root.path, "bomb.zst");
  await writeFile(file, zstdBomb(8_000));
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  let unpacked = 0;
  for await (const { bytes } of readLogBytes(file)) {
    unpacked += bytes.length;
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    if (unpacked > 512 * 2 ** 20) break;
  }
  expect(unpacked).toBeGreaterThan(500 * 2 ** 20);
  expect(most).toBeLessThan(400 * 2 ** 20);
}, 60_000);
