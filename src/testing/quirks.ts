/** Ways in which a simulated node misbehaves, to test how a tracer handles them. */
export interface Quirks {
  /** Sent on each connection before anything else. @default nothing */
  readonly firstBytes?: Uint8Array | undefined;
  /** When the node stops reading and answering: from the first byte on, or after the handshake. @default never */
  readonly silentFrom?: "start" | "handshake" | undefined;
  /** Data points are answered, in order, once this has resolved; never if it never does. @default at once */
  readonly dataPointsAfter?: Promise<unknown> | undefined;
  /** Objects in each reply beyond those asked for, if there are as many. @default 0 */
  readonly extraObjects?: number | undefined;
  /**
   * How long the node keeps its socket open after the tracer has ended its side, in milliseconds; real nodes take 1,000 to
   * 1,300. @default 0
   */
  readonly lingerMs?: number | undefined;
  /**
   * The first connection ends after the first number of bytes in this list, the second after the second, and so on, even in
   * the middle of a message; connections beyond the list do not end. Objects on their way are lost, as with a real node.
   */
  readonly cutAfterBytes?: readonly number[] | undefined;
  /**
   * The first connection sends nothing more after the first number of bytes in this list, and so on, even in the middle of a
   * message; it stays open, and continues when the node `heals()`.
   */
  readonly stallAfterBytes?: readonly number[] | undefined;
}
