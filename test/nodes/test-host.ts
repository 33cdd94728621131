import { afterEach, expect } from "vitest";
import { AnswerBudget } from "../../src/nodes/answer-budget.js";
import { FlightBudget } from "../../src/nodes/flight-budget.js";
import type { NodeIdentity } from "../../src/nodes/identity.js";
import { NodeDirectory } from "../../src/nodes/node-directory.js";
import { type ReadingNode, ReadingTurns } from "../../src/nodes/reading-turns.js";
import { ScanBatching } from "../../src/nodes/scan-batching.js";
import { Session } from "../../src/nodes/session.js";
import type { Claim, SessionEnd, SessionHost, SessionSettings } from "../../src/nodes/session-host.js";
import type { AnswerReceiver } from "../../src/protocol/metrics.js";
import { SpareMemory } from "../../src/protocol/spare-memory.js";
import { magic, ScriptedPeer } from "./scripted-peer.js";

/** Reading turns that know which nodes are in them. */
class KnownTurns extends ReadingTurns {
  readonly there = new Set<ReadingNode>();

  override join(node: ReadingNode): void {
    this.there.add(node);
    super.join(node);
  }

  override leave(node: ReadingNode): void {
    this.there.delete(node);
    super.leave(node);
  }
}

export const settings: SessionSettings = {
  networkMagic: magic,
  requestCount: 100,
  requestsAhead: 1,
  metricsPace: { pauseMs: 1, full: false },
  maxObjectBytes: 100_000,
  maxMetricsBytes: 100_000,
  maxDataPointBytes: 100_000,
  maxMetricsPerNode: 1_000,
  handshakeTimeoutMs: 20_000,
  nameTimeoutMs: 20_000,
  namePatienceMs: 0,
  nameFrom: ["nodeInfo"],
  silenceMs: 20_000,
};

/** Records what it received and makes it safe when the test says so. */
export class TestHost implements SessionHost<Session> {
  readonly budget = new FlightBudget({ maxInFlightBytes: 10_000_000 });
  readonly answers = new AnswerBudget({ maxBytes: 10_000_000 });
  readonly turns = new KnownTurns();
  readonly batching = new ScanBatching();
  readonly memory = new SpareMemory();
  readonly directory = new NodeDirectory<Session>();
  readonly lines: string[] = [];
  readonly directories: string[] = [];
  readonly metricsSeen: { metrics: [string, number | bigint | string][]; whole: boolean }[] = [];
  readonly ends: SessionEnd[] = [];
  readonly nodes: NodeIdentity[] = [];
  holdBatches = false;
  sinksKeepUp = true;
  drainedWhen: Promise<void> = Promise.resolve();
  readonly #held: (() => void)[] = [];

  refusedObjects = 0;
  refusal: Claim | undefined;

  readonly claim = async (session: Session, rawName: string | undefined): Promise<Claim> =>
    this.refusal ?? { node: await this.directory.claim(session, rawName) };
  readonly mayAskUnnamed = () => this.sinksKeepUp;
  readonly refused = ({ objects }: { objects: number }) => {
    this.refusedObjects += objects;
  };
  readonly connected = () => {};
  readonly opened = (_: Session, node: NodeIdentity) => {
    this.nodes.push(node);
  };
  readonly drained = () => this.drainedWhen;
  readonly metrics = (_: Session, whole: boolean): AnswerReceiver => {
    const metrics: [string, number | bigint | string][] = [];
    this.metricsSeen.push({ metrics, whole });
    return {
      number: (name, _kind, value) => metrics.push([name, value]),
      label: (name, text) => metrics.push([name, text]),
      surplus: (count) => metrics.push(["surplus", count]),
      end: () => {},
    };
  };
  readonly ended = (session: Session, end: SessionEnd) => {
    this.directory.release(session);
    this.ends.push(end);
  };

  async deliver(node: NodeIdentity, batch: { machineLines(): Uint8Array }): Promise<boolean> {
    const text = Buffer.from(batch.machineLines()).toString();
    const lines = text.split("\n").slice(0, -1);
    this.lines.push(...lines);
    for (const _ of lines) this.directories.push(node.directory);
    if (this.holdBatches) await new Promise<void>((resolve) => this.#held.push(resolve));
    expect(Buffer.from(batch.machineLines()).toString()).toBe(text);
    return true;
  }

  get heldBatches(): number {
    return this.#held.length;
  }

  makeSafe(): void {
    for (const settle of this.#held.splice(0)) settle();
  }
}

const open: Session[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close("the test is over")));
});

export function begin(
  options: { settings?: Partial<SessionSettings>; peer?: ScriptedPeer; host?: TestHost } = {},
) {
  const { peer = new ScriptedPeer(), host = new TestHost() } = options;
  const session = new Session(peer.connection, { ...settings, ...options.settings }, host);
  open.push(session);
  session.start();
  return { peer, host, session };
}

/** Waits until `condition` holds, with turns for everything else. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets everything pending happen. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
