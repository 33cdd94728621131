import { execFileSync } from "node:child_process";
import { readdir, rename, writeFile } from "node:fs/promises";
import { expect, type TestContext, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";

/** The library that `faketime` puts in front of a program's own clock; skips the test if that is missing. */
function clockLibrary(context: TestContext): string {
  try {
    return execFileSync("faketime", ["-m", "-f", "+0", "sh", "-c", "printf %s $LD_PRELOAD"]).toString();
  } catch {
    context.skip("faketime is not on PATH (Debian: faketime)");
  }
}

test("while the clock jumps back and forth and files rotate, every line stays in the order of the file names", async (context) => {
  const library = clockLibrary(context);
  await using place = await Workplace.open();
  const clock = place.path("clock");
  const jump = async (by: string) => {
    // Complete at every moment: the program reads it whenever it asks for the time.
    await writeFile(`${clock}.new`, `${by}\n`);
    await rename(`${clock}.new`, clock);
  };
  await jump("+0");
  const daemon = await place.start(
    { rotation: { rpFrequencySecs: 1, rpLogLimitBytes: 20_000, rpKeepFilesNum: 1_000 } },
    {
      under: [
        "env",
        `LD_PRELOAD=${library}`,
        `FAKETIME_TIMESTAMP_FILE=${clock}`,
        "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
      ],
    },
  );
  await using node = await nodeAt(place.socket, { name: "timeless", rate: 1_000, size: 300 });
  const files = async () => (await readdir(place.path("logs", "timeless"))).length;
  await eventually(async () => expect(await files()).toBeGreaterThan(0));
  for (const by of ["-1h", "+1h", "-1d", "+0"]) {
    await jump(by);
    const before = await files();
    await eventually(async () => expect(await files()).toBeGreaterThan(before));
  }
  expect(await daemon.stop()).toBe(0);
  await node.stop();
  expectAllInOrder(await place.linesOf("timeless"), node.report().objectsSent);
  const names = (await readdir(place.path("logs", "timeless"))).filter((name) => name.startsWith("node-"));
  const hours = names.map((name) => name.slice("node-".length, "node-2026-02-16T09".length));
  // The jump forward shows in the names, the one back does not.
  expect(new Set(hours).size).toBeGreaterThan(1);
});
