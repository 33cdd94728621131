import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findNodeLogs, nodeOfFile } from "../../src/log-files/node-logs.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "muninn-node-logs-"));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

async function files(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), "{}\n");
  }
}

test("each node has its logs, oldest first, compressed or not, and nothing else below the root is a node", async () => {
  await files(
    "relay/node-2026-02-16T09-30-03.json",
    "relay/node-2026-02-16T09-30-01.json.zst",
    "relay/node-2026-02-16T09-30-02.json.gz",
    "relay/node-2026-02-16T09-30-02.log",
    "relay/node-2026-02-30T09-30-02.json",
    "relay/node-2026-02-16T09-30-04.json.tmp",
    "relay/notes.json",
    "empty/notes.txt",
    ".muninn/node-2026-02-16T09-30-01.json",
    ".hidden/node-2026-02-16T09-30-01.json",
    "file",
  );
  await symlink("node-2026-02-16T09-30-03.json", join(root, "relay/node.json"));
  expect(await findNodeLogs(root)).toEqual([
    {
      node: "relay",
      files: [
        join(root, "relay/node-2026-02-16T09-30-01.json.zst"),
        join(root, "relay/node-2026-02-16T09-30-02.json.gz"),
        join(root, "relay/node-2026-02-16T09-30-03.json"),
      ],
      bytes: 9,
    },
  ]);
});

test("a file that is being compressed is read once, uncompressed", async () => {
  await files("relay/node-2026-02-16T09-30-01.json", "relay/node-2026-02-16T09-30-01.json.gz");
  const [relay] = await findNodeLogs(root);
  expect(relay!.files).toEqual([join(root, "relay/node-2026-02-16T09-30-01.json")]);
});

test("a directory that contains logs is a node of that name", async () => {
  await files("relay/node-2026-02-16T09-30-01.json.gz");
  expect(await findNodeLogs(join(root, "relay"))).toMatchObject([{ node: "relay", bytes: 3 }]);
});

test.each([
  ["/logs/relay/node-2026-02-16T09-30-01.json", "relay"],
  ["/logs/relay/node-2026-02-16T09-30-01.json.gz", "relay"],
  ["/tmp/relay.jsonl", "relay"],
  ["/tmp/relay.jsonl.zst", "relay"],
])("the file %s belongs to %s", (file, node) => {
  expect(nodeOfFile(file)).toBe(node);
});
