import { expect, test } from "vitest";
import { SinkError } from "../../src/sinks/sink.js";
import { eventually } from "../../src/testing/eventually.js";
import { startTracer, type TestTracer } from "../../src/testing/test-tracer.js";
import { kindOf, MemorySink } from "../sinks/memory-sinks.js";
import { PlainPeer } from "./plain-peer.js";

/** Loses every batch as long as the test wants. */
class LosingSink extends MemorySink {
  isLosing = true;

  override async write(...batch: Parameters<MemorySink["write"]>): Promise<undefined> {
    if (this.isLosing) throw new SinkError("rejected");
    return super.write(...batch);
  }
}

interface ShownCheck {
  readonly name: string;
  readonly state: string;
  readonly lastSuccess?: string;
}

async function checkOf({ served }: TestTracer, name: string): Promise<ShownCheck | undefined> {
  const report = await (await fetch(`http://${served.get("health")}/healthz`)).json();
  return (report as { checks: ShownCheck[] }).checks.find((check) => check.name === name);
}

const config = { muninn: { health: { host: "127.0.0.1", port: 0 } } };

test("health is degraded until a node is connected, and one that has not shaken hands is none", async () => {
  await using tracer = await startTracer({ config });
  const silent = await PlainPeer.at(tracer.address, { silent: true });
  expect((await checkOf(tracer, "nodes"))?.state).toBe("degraded");
  const peer = await PlainPeer.at(tracer.address, { name: "relay" });
  await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
  silent.leave();
  await eventually(async () => expect((await checkOf(tracer, "nodes"))?.state).toBe("ok"));
  peer.leave();
});

test("health shows as the last success of a sink only a batch that was written", async () => {
  const sink = new LosingSink();
  await using tracer = await startTracer({
    config,
    sinkKinds: [kindOf(sink)],
  });
  const lastSuccess = async () => (await checkOf(tracer, "sink:memory"))?.lastSuccess;
  const peer = await PlainPeer.at(tracer.address, { name: "relay" });
  await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
  peer.reply(["lost"]);
  await eventually(() => expect(tracer.accounts()).toEqual({ received: 1, written: 0, dropped: 1 }));
  expect(await lastSuccess()).toBeUndefined();
  sink.isLosing = false;
  await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
  peer.reply(["written"]);
  await eventually(() => expect(tracer.accounts().written).toBe(1));
  await eventually(async () => expect(await lastSuccess()).toBeDefined());
  peer.leave();
});
