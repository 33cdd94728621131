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
    let number = 0;
    /** Brings new names, and then one more; resolves with whether any of the new ones was refused. */
    const bring = async (last: string) => {
      const news = Array.from({ length: together }, () => `new-${++number}`);
      const names = [...news, last];
      const peers = await Promise.all(names.map((name) => PlainPeer.at(tracer.address, { name })));
      // If they left before, they would be processed for a while, and new ones be refused meanwhile.
      const isDealtWith = async (name: string, index: number) =>
        peers[index]!.closed || (await tracer.dataPointsOf(name, [])) !== undefined;
      await eventually(async () =>
        expect(await Promise.all(names.map(isDealtWith))).toEqual(names.map(() => true)),
      );
      const isRefused = peers.slice(0, -1).some(({ closed }) => closed);
      return { isRefused, peers, last: peers.at(-1)! };
    };
    const leave = (peers: readonly PlainPeer[]) => {
      for (const peer of peers) peer.leave();
    };
    // Each second allows another name.
    for (let isRefused = false; !isRefused; ) {
      const { peers, ...brought } = await bring("one-more");
      leave(peers);
      isRefused = brought.isRefused && number > burst;
    }
    const { isRefused, peers, last: again } = await bring("known");
    expect(isRefused).toBe(true);
    await eventually(() => expect(again.wanted.length).toBeGreaterThan(0));
    expect(again.closed).toBe(false);
    leave(peers);
    await eventually(async () => {
      leave((await bring("one-more")).peers);
      const health = await (await fetch(`http://${tracer.served.get("health")}/healthz`)).json();
      const { checks } = health as { checks: { name: string; state: string }[] };
      expect(checks.find(({ name }) => name === "new-names")?.state).toBe("degraded");
    });
  } finally {
    await rm(other, { recursive: true, force: true });
  }
});
