import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { startTracer } from "../../src/testing/test-tracer.js";
import { PlainPeer } from "./plain-peer.js";

/** Names that an address may bring at once. */
const burst = 1_000;
/** Connections at the same time. */
const together = 50;

test("a node whose directory is below one of several log roots is known, however many new names its address brought", async () => {
  const other = await mkdtemp(join(tmpdir(), "muninn-roots-"));
  const files = (logRoot: string) => ({ logRoot, logMode: "FileMode", logFormat: "ForMachine" });
  try {
    await using first = await startTracer();
    const known = await PlainPeer.at(first.address, { name: "known" });
    await eventually(() => expect(known.wanted.length).toBeGreaterThan(0));
    known.reply(["{}"]);
    await eventually(() => expect(first.accounts().written).toBe(1));
    known.leave();
    await first.stop();

    await using tracer = await startTracer({
      config: {
        logging: [files(other), files(first.logRoot)],
        muninn: { health: { host: "127.0.0.1", port: 0 } },
      },
    });
    const metricsCame = ({ metricsAsked }: PlainPeer) => metricsAsked.length > 0;
    for (let number = 0; number < burst + 20; number += together) {
      const peers = await Promise.all(
        Array.from({ length: together }, (_, index) =>
          PlainPeer.at(tracer.address, { name: `new-${number + index}` }),
        ),
      );
      await eventually(() => expect(peers.every((peer) => peer.closed || metricsCame(peer))).toBe(true));
      for (const peer of peers) peer.leave();
    }
    const unknown = await PlainPeer.at(tracer.address, { name: "unknown" });
    const again = await PlainPeer.at(tracer.address, { name: "known" });
    await eventually(() => expect(unknown.closed).toBe(true));
    await eventually(() => expect(again.wanted.length).toBeGreaterThan(0));
    expect(again.closed).toBe(false);
    // Each second allows another name.
    await eventually(async () => {
      const more = await Promise.all(
        Array.from({ length: 5 }, (_, n) =>
          PlainPeer.at(tracer.address, { name: `${performance.now()}-${n}` }),
        ),
      );
      await eventually(() => expect(more.every((peer) => peer.closed || metricsCame(peer))).toBe(true));
      const health = await (await fetch(`http://${tracer.served.get("health")}/healthz`)).json();
      for (const peer of more) peer.leave();
      const { checks } = health as { checks: { name: string; state: string }[] };
      expect(checks.find(({ name }) => name === "new-names")?.state).toBe("degraded");
    });
    again.leave();
  } finally {
    await rm(other, { recursive: true, force: true });
  }
});
