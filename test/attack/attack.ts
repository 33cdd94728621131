import type { Daemon, Workplace } from "../end-to-end/daemon.js";

/** A running program and what an attack may want to know of it. */
export interface Target {
  readonly daemon: Daemon;
  readonly place: Workplace;
  /** Where nodes connect. */
  readonly socket: string;
  /** Addresses of the HTTP endpoints, `host:port`. */
  readonly prometheus: string;
  readonly ekg: string;
  /** `whole` for `npm run attack`, `small` in CI; both must fall where the program does. */
  readonly size: "whole" | "small";
  /** The one that belongs to the size of the attack. */
  pick(small: number, whole: number): number;
}

/** What is held against what was measured. Generous: machines that run tests are busy. */
export interface Bounds {
  /** Processor time of the event loop's thread between a question to health and its answer, which may be several turns. */
  readonly blockCpuMs: number;
  /** Memory above `maxInFlightBytes`. */
  readonly memoryMiB: number;
  /** Bytes of the program's own log, a minute: whatever is said again is said once in that. */
  readonly logBytes: number;
  /** Of its rate, what a healthy node could send. */
  readonly healthyShare: number;
}

export const usualBounds: Bounds = {
  blockCpuMs: 100,
  memoryMiB: 256,
  logBytes: 128 * 1_024,
  healthyShare: 0.5,
};

/** Something that somebody may do to the program. To add one is to add an entry to a table in `kinds`. */
export interface Attack {
  readonly name: string;
  /** Added to the usual configuration; what stands below `muninn` is merged. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Program and arguments that the daemon is started under. */
  readonly under?: readonly string[];
  /** Does it, and leaves nothing open. */
  readonly run: (target: Target) => Promise<void>;
  readonly bounds?: Partial<Bounds>;
  /** Series at `/metrics/self` of which at least one must have counted: patterns of the line before its value. */
  readonly counted?: readonly RegExp[];
  /** Events that the log must name. */
  readonly said?: readonly string[];
  /** Left out in CI: it is long, or another one there is much like it. */
  readonly onlyWhole?: true;
  /** It takes the name of the healthy node's directory away, or another reason why there is none. */
  readonly withoutHealthyNode?: boolean;
}
