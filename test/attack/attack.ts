import type { Daemon, Workplace } from "../end-to-end/daemon.js";

/** A running program and what an attack may need to know about it. */
export interface Target {
  readonly daemon: Daemon;
  readonly place: Workplace;
  /** Where nodes connect. */
  readonly socket: string;
  /** Addresses of the HTTP endpoints, `host:port`. */
  readonly prometheus: string;
  readonly ekg: string;
  /** `whole` for `npm run attack`, `small` in CI; the program must withstand both. */
  readonly size: "whole" | "small";
  /** The value for the size of the attack. */
  pick(small: number, whole: number): number;
}

/** Limits for the measurements. Generous, because machines that run tests are busy. */
export interface Bounds {
  /** Processor time of the event loop's thread between a health request and its answer, which may be several turns. */
  readonly blockCpuMs: number;
  /** Memory above `maxInFlightBytes`. */
  readonly memoryMiB: number;
  /** Bytes of the program's own log per minute, in which repeated events have one line. */
  readonly logBytes: number;
  /** Share of its rate that a healthy node could send. */
  readonly healthyShare: number;
}

export const usualBounds: Bounds = {
  blockCpuMs: 100,
  memoryMiB: 256,
  logBytes: 128 * 1_024,
  healthyShare: 0.5,
};

/** Something that an attacker may do to the program. To add one, add an entry to a table in `kinds`. */
export interface Attack {
  readonly name: string;
  /** Added to the usual configuration; fields below `muninn` are merged. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** What is done before the daemon starts; returns what is done after its end. */
  readonly prepare?: (place: Workplace) => () => void;
  /** Program and arguments that the daemon is started under. */
  readonly under?: readonly string[];
  /** Attacks, and leaves nothing open. */
  readonly run: (target: Target) => Promise<void>;
  readonly bounds?: Partial<Bounds>;
  /** Series at `/metrics/self` of which at least one must have increased: patterns of the line before its value. */
  readonly counted?: readonly RegExp[];
  /** Events that must be in the log. */
  readonly said?: readonly string[];
  /** Left out in CI: it is long, or very similar to another one there. */
  readonly onlyWhole?: true;
  /** How the program exits when it is stopped afterwards. @default 0 */
  readonly exit?: number;
  /** It takes the healthy node's directory name, or there is another reason for no healthy node. */
  readonly withoutHealthyNode?: boolean;
}
