import { loopSlices } from "../http/loop-slices.js";
import type { DataPoints } from "../nodes/data-points.js";

/** A connection that can be asked for data points. */
export interface Asked {
  dataPoints(names: readonly string[], timeoutMs: number): Promise<DataPoints | undefined>;
}

export interface Facts {
  readonly version?: string;
  /** In the order shown. */
  readonly entries: readonly (readonly [name: string, value: string])[];
}

const pointNames = ["NodeInfo", "NodeStartupInfo", "NodeAddBlock"] as const;
/** How long a node may take to answer. */
const askMs = 5_000;
/** Facts that change are asked for again after this long. */
const freshMs = 10_000;
/** Nodes asked at the same time. */
const mostAtOnce = 32;
/** Longer values are cut: they are the peers' own texts. */
const maxLength = 200;

interface Known {
  facts: Facts | undefined;
  /** In milliseconds of a monotonic clock. */
  askedAt: number;
}

/** What nodes say about themselves, asked for only while a page shows it. */
export class NodeFacts {
  readonly #known = new WeakMap<Asked, Known>();
  readonly #now: () => number;
  #asking = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** What is known already; if nothing is, the node is asked, and the answer is there the next time. */
  known(session: Asked): Facts | undefined {
    const known = this.#known.get(session);
    if (known === undefined) void this.#ask(session);
    return known?.facts;
  }

  /** Asks the node again if the last answer is old. */
  async fresh(session: Asked): Promise<Facts | undefined> {
    const known = this.#known.get(session);
    if (known?.facts === undefined || this.#now() - known.askedAt > freshMs) await this.#ask(session);
    return this.#known.get(session)?.facts;
  }

  async #ask(session: Asked): Promise<void> {
    if (this.#asking >= mostAtOnce) return;
    this.#asking += 1;
    const known = this.#known.get(session) ?? { facts: undefined, askedAt: 0 };
    known.askedAt = this.#now();
    this.#known.set(session, known);
    const points = await session.dataPoints(pointNames, askMs);
    this.#asking -= 1;
    // Reading the answer may take some milliseconds.
    await loopSlices.turn();
    // A node that did not answer is asked again the next time.
    if (points === undefined) this.#known.delete(session);
    else known.facts = factsOf(points);
  }
}

function factsOf(points: DataPoints): Facts {
  const [info, startup, addBlock] = pointNames.map((name) => parsed(points.get(name)));
  const progress = Array.isArray(addBlock?.contents) ? addBlock.contents[2] : undefined;
  const shown: readonly (readonly [name: string, value: unknown])[] = [
    ["version", info?.niVersion],
    ["commit", info?.niCommit],
    ["protocol", info?.niProtocol],
    ["started", info?.niStartTime],
    ["system start", info?.niSystemStartTime],
    ["era", startup?.suiEra],
    ["slot length", withUnit(startup?.suiSlotLength, "s")],
    ["epoch length", withUnit(startup?.suiEpochLength, "slots")],
    ["slots per KES period", startup?.suiSlotsPerKESPeriod],
    ["sync", withUnit(progress, "%")],
  ];
  const entries = shown.flatMap(([name, value]) => {
    const text = textOf(value);
    return text === undefined ? [] : [[name, text] as const];
  });
  const version = textOf(info?.niVersion);
  return { ...(version !== undefined && { version }), entries };
}

function parsed(bytes: Uint8Array | undefined): Record<string, unknown> | undefined {
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function withUnit(value: unknown, unit: string): string | undefined {
  return typeof value === "number" ? `${value.toLocaleString("en")} ${unit}` : undefined;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "number") return value.toLocaleString("en");
  return typeof value === "string" && value !== "" ? value.slice(0, maxLength) : undefined;
}
