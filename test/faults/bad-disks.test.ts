import { expect, onTestFailed, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { startTracer } from "../../src/testing/test-tracer.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { countingNode } from "../end-to-end/nodes.js";
import {
  errno,
  Gate,
  type InterposedFileSystem,
  interposedFileSystem,
} from "../registry/interposed-file-system.js";
import { chosenSeed, randomNumbers } from "./random.js";

/** Holds back every write to the files of one directory until the gate opens. */
function stallWritesOf(directory: string, disk: InterposedFileSystem): Gate {
  const gate = new Gate();
  const stalled = new Set<number>();
  disk.rules.open = async (real, path, flags, mode) => {
    const fd = await real(path, flags, mode);
    if (path.includes(`/${directory}/node-`)) stalled.add(fd);
    else stalled.delete(fd);
    return fd;
  };
  disk.rules.write = async (real, fd, pieces) => {
    if (stalled.has(fd)) await gate.pass();
    return real(fd, pieces);
  };
  return gate;
}

test("writes that stall for one node stall only that node; /readyz reports it while health answers, and recovers", async () => {
  const disk = interposedFileSystem();
  const gate = stallWritesOf("stalled", disk);
  await using tracer = await startTracer({
    config: { hasPrometheus: { epHost: "127.0.0.1", epPort: 0 }, muninn: { requestsAhead: 1 } },
    fileSystem: disk,
  });
  const page = (path: string) => fetch(`http://${tracer.served.get("prometheus")}${path}`);
  const ready = async () => (await page("/readyz")).status;
  const node = (name: string) =>
    countingNode({ mode: "connect", address: tracer.address }, { name, count: 5_000 });
  await using stalled = await node("stalled");
  await eventually(() => expect(gate.arrived).toBeGreaterThan(0));
  await using first = await node("first");
  await using second = await node("second");
  await Promise.all([first.finished, second.finished]);
  await eventually(async () => expect(await ready()).toBe(503));
  expect((await page("/livez")).status).toBe(200);
  const { checks } = (await (await page("/healthz")).json()) as { checks: Record<string, unknown>[] };
  expect(checks).toContainEqual(
    expect.objectContaining({ state: "failing", reason: expect.stringMatching(/a write has not finished/) }),
  );
  const sent = stalled.report().objectsSent;
  expect(sent).toBeLessThan(5_000);
  gate.open();
  await stalled.finished;
  await eventually(async () => expect(await ready()).toBe(200));
  await Promise.all([stalled.stop(), first.stop(), second.stop()]);
  await tracer.stop();
  for (const name of ["stalled", "first", "second"]) expectAllInOrder(await tracer.linesOf(name), 5_000);
});

test("random EIO and short writes lose no line, double none and swap none", async () => {
  const seed = chosenSeed();
  onTestFailed(() => console.error(`to repeat this run: MUNINN_SEED=${seed}`));
  const random = randomNumbers(seed);
  const disk = interposedFileSystem();
  let failed = 0;
  let torn = 0;
  disk.rules.write = async (real, fd, pieces) => {
    const [piece] = pieces as [Uint8Array];
    const fate = random(10);
    if (fate === 0) {
      failed += 1;
      throw errno("EIO");
    }
    if (fate > 5) return real(fd, pieces);
    torn += 1;
    return real(fd, [piece.subarray(0, 1 + random(piece.length))]);
  };
  await using tracer = await startTracer({
    // Many small writes rather than a few large ones.
    config: {
      loRequestNum: 20,
      muninn: { requestsAhead: 1 },
      rotation: { rpFrequencySecs: 1, rpLogLimitBytes: 50_000, rpKeepFilesNum: 1_000 },
    },
    fileSystem: disk,
  });
  const names = ["a", "b", "c", "d"];
  const nodes = await Promise.all(
    names.map((name) => countingNode({ mode: "connect", address: tracer.address }, { name, count: 2_000 })),
  );
  await Promise.all(nodes.map((node) => node.finished));
  await Promise.all(nodes.map((node) => node.stop()));
  // A last fault may still be in its pause; after the stop it could be too late.
  await eventually(() => expect(tracer.accounts().written).toBe(8_000));
  await tracer.stop();
  for (const name of names) expectAllInOrder(await tracer.linesOf(name), 2_000);
  expect(failed).toBeGreaterThan(0);
  expect(torn).toBeGreaterThan(0);
});
