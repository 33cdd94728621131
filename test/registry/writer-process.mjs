// A separate process with a registry, for tests that kill it or take its handles away. Runs the built
// program: `npm test` builds it first. Its only argument is JSON; it prints its results to stdout, a line each.
import { closeSync, openSync } from "node:fs";
import { openHandleRegistry } from "../../dist/registry/open-handle-registry.js";

const { mode, root, logs, maxOpenFiles, identity } = JSON.parse(process.argv[2]);
const tell = (...words) => console.log(words.join(" "));
const ignore = () => {};

const registry = await openHandleRegistry({
  roots: [root],
  identity,
  rotation: { frequencyMs: 1_000, limitBytes: 200_000, maxAgeMs: 1e12, keepFiles: 0 },
  maxOpenFiles,
  idleTimeoutMs: 30_000,
  durability: "os",
  observer: {
    faultBegan: ({ error }) => tell("fault", error.code),
    faultOver: () => tell("over"),
    rotated: ignore,
    vanished: ignore,
    tornClosed: () => tell("torn"),
    linkBlocked: ignore,
    expired: ignore,
    expiryFailed: ignore,
    filesFromFuture: ignore,
    diskReplaced: ignore,
    claimAwaited: ignore,
    directoriesUnguarded: ignore,
    workingSetTooLarge: ignore,
  },
});
const place = (directory) => ({ root, directory, extension: "json" });

/** Appends lines numbered from `first` up, until it is killed, and prints each number that is safe. */
async function writeForEver(directory, first) {
  const underWay = [];
  for (let number = first; ; number += 1) {
    const line = `${JSON.stringify({ directory, number, text: "x".repeat(number % 5_000) })}\n`;
    const append = registry
      .append(place(directory), Buffer.from(line))
      .then(() => tell("safe", directory, number));
    underWay.push(append);
    if (underWay.length > 8) await underWay.shift();
  }
}

/** Uses up every handle of the process, and then needs one more. */
async function runOutOfHandles() {
  await registry.append(place("first"), Buffer.from('"first"\n'));
  const hogs = [];
  try {
    for (;;) hogs.push(openSync("/dev/null", "r"));
  } catch (error) {
    tell("hogged", error.code);
  }
  await registry.append(place("second"), Buffer.from('"second"\n'));
  const { evicted, maxOpenFiles: effective } = registry.stats();
  for (const fd of hogs) closeSync(fd);
  tell("evicted", evicted);
  tell("limit", effective);
  await registry.stop();
}

if (mode === "handles") await runOutOfHandles();
else await Promise.all(Object.entries(logs).map(([directory, first]) => writeForEver(directory, first)));
