import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { encodeTraceReply } from "../../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../../src/protocol/trace-object.js";
import type { Workplace } from "../../end-to-end/daemon.js";
import type { Attack, Target } from "../attack.js";
import { withPeers } from "../hostile-peer.js";
import { smallestObject } from "./answers.js";
import { seconds } from "./metrics.js";

const reply = encodeTraceReply(
  new Array(20).fill(encodeTraceObject({ ...smallestObject, machine: "a".repeat(500) })),
);

/** A file system of its own for the logs, in memory. */
function mounted({ logRoot }: Workplace): () => void {
  mkdirSync(logRoot);
  run("mount", "-t", "tmpfs", "-o", "size=600m", "muninn-test", logRoot);
  return () => run("umount", "-l", logRoot);
}

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

/** Only the superuser may mount, and in a container often not even that user. */
const mayMount = spawnSync("unshare", ["--mount", "true"]).status === 0;

/** Nodes that send continuously while `use` runs. */
async function underLoad(target: Target, use: () => Promise<void>): Promise<void> {
  await withPeers(
    target.socket,
    target.pick(100, 900),
    (index) => ({ name: `load-${index}` }),
    async (peers) => {
      let isOver = false;
      const sending = (async () => {
        while (!isOver) {
          await Promise.all(peers.map((peer) => Promise.race([peer.send(2, reply), seconds(1)])));
          // So rarely that the logs of a whole attack fit beside the file that fills the disk.
          await seconds(target.pick(0.3, 2));
        }
      })();
      await seconds(2);
      await use();
      isOver = true;
      await sending;
    },
  );
}

/** Waits until the log after line `from` says that writing continues. */
async function recovered({ daemon }: Target, from: number): Promise<void> {
  await daemon.logged("write_recovered", (line) => daemon.log.indexOf(line) >= from);
  await seconds(3);
}

const common = {
  prepare: mounted,
  // Nodes are not asked while nothing can be written.
  bounds: { logBytes: 4 * 1_048_576, healthyShare: 0.1 },
  said: ["write_failed", "write_recovered"],
};

/** Attacks on the disk below the log root, while nodes send. */
export const disks: readonly Attack[] = !mayMount
  ? []
  : [
      {
        ...common,
        name: "a disk that fills up under load again and again",
        run: (target) =>
          underLoad(target, async () => {
            const file = `${target.place.logRoot}/.full`;
            for (let round = 0; round < target.pick(2, 5); round += 1) {
              const from = target.daemon.log.length;
              // It takes all the room.
              spawnSync("dd", ["if=/dev/zero", `of=${file}`, "bs=1M"]);
              await seconds(target.pick(1.5, 4));
              rmSync(file);
              await recovered(target, from);
            }
          }),
      },
      {
        ...common,
        name: "a log root that becomes read-only under load, and then writable again",
        run: (target) =>
          underLoad(target, async () => {
            const { daemon, place, pick } = target;
            for (let round = 0; round < pick(1, 3); round += 1) {
              const from = daemon.log.length;
              // The kernel does so only while no file is open for writing.
              for (let attempt = 0; ; attempt += 1) {
                daemon.signal("SIGHUP");
                const { status } = spawnSync("mount", ["-o", "remount,ro", place.logRoot]);
                if (status === 0) break;
                if (attempt > 2_000) throw new Error("files are always open");
              }
              await seconds(pick(1.5, 4));
              run("mount", "-o", "remount,rw", place.logRoot);
              await recovered(target, from);
            }
          }),
      },
    ];
