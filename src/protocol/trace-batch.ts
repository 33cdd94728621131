/** Severities in the order of their constructor index on the wire (`[0]` … `[7]`). */
export const severities = [
  "Debug",
  "Info",
  "Notice",
  "Warning",
  "Error",
  "Critical",
  "Alert",
  "Emergency",
] as const;
export type Severity = (typeof severities)[number];

/** Detail levels in the order of their constructor index on the wire (`[0]` … `[3]`). */
export const detailLevels = ["DMinimal", "DNormal", "DDetailed", "DMaximum"] as const;
export type DetailLevel = (typeof detailLevels)[number];

/** A time as fine as forwarders send it. */
export interface Moment {
  /** Whole seconds since 1970, UTC; exact within 285 million years of it. */
  readonly seconds: number;
  /** Picoseconds in addition to them, from 0, below 10^12. */
  readonly picoseconds: number;
}

/**
 * A run of trace objects of one reply, as many as had arrived: the bytes as received and where each field is
 * in them. Views stay valid until every sink has settled the batch. Nothing is decoded before it is asked for.
 */
export interface TraceBatch {
  /** Objects in this batch, at least 1. */
  readonly length: number;
  /** Bytes of the objects as received (CBOR), the measure of what this batch keeps in memory. */
  readonly receivedBytes: number;
  /**
   * The `toMachine` of every object as one run of lines: UTF-8, each ended by a line feed, each line feed inside
   * a text replaced by a space. Made once for all callers.
   */
  machineLines(): Uint8Array;
  /** The whole object as received (CBOR), all eight fields. */
  encoded(index: number): Uint8Array;
  /** `toMachine` as received, UTF-8, any text, usually one JSON object. */
  machine(index: number): Uint8Array;
  /** `toHuman` as received, UTF-8, may span lines; undefined if the node sent none. */
  human(index: number): Uint8Array | undefined;
  /** Segments as received, joined by dots; may be empty. */
  namespace(index: number): string;
  severity(index: number): Severity;
  /** Adds the number of objects of each severity to `counts`, in the order of `severities`, from `at` on. */
  countSeverities(counts: Uint32Array, at: number): void;
  details(index: number): DetailLevel;
  /** Nanoseconds since 1970, UTC. */
  timestamp(index: number): bigint;
  /** The same with all the precision that the node sent. */
  moment(index: number): Moment;
  host(index: number): string;
  thread(index: number): string;
}
