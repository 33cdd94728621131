import type { Duplex } from "node:stream";

/** How long bytes take from end to end. */
export interface Wire {
  /** Delay in each direction, in milliseconds: half a round trip. @default 0 */
  readonly latencyMs: number;
  /** A random additional delay of at most this many milliseconds. @default 0 */
  readonly jitterMs: number;
  /** Random numbers from 0 to less than 1; give your own for a test that must be repeatable. @default Math.random */
  readonly random: () => number;
}

/** Most bytes on their way in one direction; beyond that the sender has to wait. */
const maxBytesUnderWay = 64 * 1024 * 1024;

/** Both ends of one connection over a link, and the bytes on their way between them. */
export class LinkedPair {
  /** Resolves when both ends are gone. */
  readonly over: Promise<void>;
  readonly #near: Duplex;
  readonly #far: Duplex;
  readonly #wire: Wire;
  readonly #lanes: readonly Lane[];
  #bytesUntilCut: number;

  /** Owns both streams from now on. */
  constructor(near: Duplex, far: Duplex, wire: Wire, cutAfterBytes: number) {
    this.#near = near;
    this.#far = far;
    this.#wire = wire;
    this.#bytesUntilCut = cutAfterBytes;
    this.over = Promise.all([closed(near), closed(far)]).then(() => {
      for (const lane of this.#lanes) lane.stop();
    });
    this.#lanes = [this.#lane(near, far), this.#lane(far, near)];
  }

  cut(): void {
    for (const lane of this.#lanes) lane.stop();
    this.#near.destroy();
    this.#far.destroy();
  }

  hold(): void {
    for (const lane of this.#lanes) lane.hold();
  }

  letGo(): void {
    for (const lane of this.#lanes) lane.letGo();
  }

  #lane(from: Duplex, to: Duplex): Lane {
    const cut = () => this.cut();
    return new Lane(from, to, this.#wire, (chunk) => {
      const passed = chunk.subarray(0, this.#bytesUntilCut);
      this.#bytesUntilCut -= passed.length;
      // What arrived before the break is still delivered.
      if (this.#bytesUntilCut === 0) to.write(passed, cut);
      else to.write(passed);
    });
  }
}

/** Something on its way: bytes, or after all of them the end of the stream. */
interface Item {
  readonly dueAt: number;
  readonly chunk: Buffer | undefined;
}

/** One direction: bytes are delivered later, in order. */
class Lane {
  readonly #from: Duplex;
  readonly #to: Duplex;
  readonly #wire: Wire;
  readonly #deliver: (chunk: Buffer) => void;
  readonly #underWay: Item[] = [];
  #bytesUnderWay = 0;
  #state: "open" | "held" | "stopped" = "open";
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Duplex, to: Duplex, wire: Wire, deliver: (chunk: Buffer) => void) {
    this.#from = from;
    this.#to = to;
    this.#wire = wire;
    this.#deliver = deliver;
    let hasEnded = false;
    from.on("data", (chunk: Buffer) => this.#enter(chunk));
    from.once("end", () => {
      hasEnded = true;
      this.#enter(undefined);
    });
    from.on("error", () => {});
    from.once("close", () => {
      if (!hasEnded) this.#enter(undefined);
    });
    to.on("drain", () => this.#run());
    to.once("close", () => {
      this.stop();
      from.destroy();
    });
  }

  hold(): void {
    if (this.#state === "open") this.#state = "held";
  }

  letGo(): void {
    if (this.#state !== "held") return;
    this.#state = "open";
    this.#run();
  }

  stop(): void {
    this.#state = "stopped";
    clearTimeout(this.#timer);
  }

  #enter(chunk: Buffer | undefined): void {
    const { latencyMs, jitterMs, random } = this.#wire;
    const earliest = this.#underWay.at(-1)?.dueAt ?? 0;
    const dueAt = Math.max(earliest, performance.now() + latencyMs + jitterMs * random());
    this.#underWay.push({ dueAt, chunk });
    this.#bytesUnderWay += chunk?.length ?? 0;
    if (this.#bytesUnderWay >= maxBytesUnderWay) this.#from.pause();
    if (this.#underWay.length === 1) this.#run();
  }

  /** Delivers what is due, and schedules the rest. */
  #run(): void {
    clearTimeout(this.#timer);
    for (let next = this.#underWay[0]; next !== undefined; next = this.#underWay[0]) {
      if (this.#state !== "open" || this.#to.writableNeedDrain) return;
      const early = next.dueAt - performance.now();
      if (early > 0) {
        this.#timer = setTimeout(() => this.#run(), Math.ceil(early));
        return;
      }
      this.#underWay.shift();
      this.#bytesUnderWay -= next.chunk?.length ?? 0;
      if (this.#bytesUnderWay < maxBytesUnderWay) this.#from.resume();
      if (next.chunk === undefined) this.#to.end();
      else if (this.#to.writable) this.#deliver(next.chunk);
    }
  }
}

function closed(stream: Duplex): Promise<void> {
  if (stream.closed) return Promise.resolve();
  return new Promise((resolve) => stream.once("close", resolve));
}
