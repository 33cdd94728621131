import { spawnSync } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, type TestContext, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { startTracer, type TestTracer } from "../../src/testing/test-tracer.js";
import { SmallDisk } from "../faults/small-disk.js";
import { NatsServer, packagedServer } from "../sinks/nats/nats-server.js";
import { CollectProcess, verified } from "./collect-process.js";
import { CollectPlace } from "./test-collector.js";

// A collector whose disk hangs or is full.

const hangingCall = fileURLToPath(new URL("../daemon/hanging-call.cjs", import.meta.url));
/** The promise, and the time that a loaded machine may take until the exit is noticed. */
const goneWithinMs = 5_000 + 3_000;
const count = 2_000;

let open: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of open.reverse()) await end();
  open = [];
});

/** A tracer whose stream has everything that a node sent. */
async function filledStream(): Promise<{ server: NatsServer; near: TestTracer }> {
  const server = await NatsServer.start(packagedServer!);
  open.push(() => server[Symbol.asyncDispose]());
  const sinks = [{ kind: "nats", servers: [server.url], stream: "TRACES", create: {}, batchBytes: "16KiB" }];
  const near = await startTracer({ config: { muninn: { sinks } } });
  open.push(() => near[Symbol.asyncDispose]());
  const node = await simulatedNode({
    source: new NumberedSource({ name: "relay", count }),
    network: { mode: "connect", address: near.address },
  });
  open.push(() => node.stop());
  await eventually(() => expect(near.accounts().written).toBe(2 * count));
  return { server, near };
}

async function place(): Promise<CollectPlace> {
  const made = await CollectPlace.open();
  open.push(() => made[Symbol.asyncDispose]());
  return made;
}

function collect(...given: ConstructorParameters<typeof CollectProcess>): CollectProcess {
  const made = new CollectProcess(...given);
  open.push(() => made.end("SIGKILL"));
  return made;
}

describe.skipIf(packagedServer === undefined)("a collector", () => {
  test("exits in time after SIGTERM even if its disk hangs", async () => {
    const { server, near } = await filledStream();
    const far = await place();
    const fifo = join(far.directory, "fifo");
    expect(spawnSync("mkfifo", [fifo]).status).toBe(0);
    const environment = { HANGING_FIFO: fifo, NODE_OPTIONS: `--require ${hangingCall}` };
    const collector = collect(far, [server.url], { environment });
    await eventually(() => expect(verified(near.logRoot, far.logRoot).code).toBe(0));
    const begunAt = performance.now();
    expect(await collector.end("SIGTERM")).toBe("SIGKILL");
    expect(performance.now() - begunAt).toBeLessThan(goneWithinMs);
    expect(collector.log).toContain("file_call_hangs");
  });

  test("acknowledges nothing unwritten on a full disk; killed, and with room again, it writes everything once", async (context: TestContext) => {
    const { server, near } = await filledStream();
    const far = await place();
    const root = join(far.directory, "disk");
    const disk = await SmallDisk.mount(context, root, "1m");
    open.push(() => disk[Symbol.asyncDispose]());
    const filler = join(root, "filler");
    await writeFile(filler, Buffer.alloc(800 * 1_024));
    const logging = [{ logRoot: join(root, "logs"), logMode: "FileMode", logFormat: "ForMachine" }];
    const first = collect(far, [server.url], { fields: { logging } });
    await eventually(() => expect(first.log).toContain("no space left"));
    await first.end("SIGKILL");
    const second = collect(far, [server.url], { fields: { logging } });
    await eventually(() => expect(second.log).toContain("no space left"));
    await rm(filler);
    await eventually(() => {
      const { code, text } = verified(near.logRoot, join(root, "logs"));
      expect(text).toMatch(/ok: 2000 sent, 2000 found/);
      expect(code).toBe(0);
    });
    expect(second.log).not.toContain("collect_gap");
    expect(await second.end()).toBe(0);
  });
});
