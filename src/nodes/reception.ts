import { ProtocolError } from "../protocol/faults.js";
import { type MiniProtocol, miniProtocols } from "../protocol/mini-protocols.js";
import { Demux, type Side } from "../protocol/mux.js";
import type { Handshake } from "./handshake.js";
import type { MiniProtocolSide } from "./mini-protocol-side.js";
import type { ReadingGate } from "./reading-gate.js";
import type { ScanBatching, Scannable } from "./scan-batching.js";
import type { TraceIntake } from "./trace-intake.js";

/** Share of received bytes that belong to a batch without being in it: segment headers, and an object that was cut. */
const overheadShare = 1 / 32;

export interface ReceptionOptions {
  /** The sender of the bytes. */
  readonly sender: Side;
  /** The receivers of the bytes of each mini-protocol. */
  readonly sides: Readonly<Record<MiniProtocol, MiniProtocolSide>>;
  readonly handshake: Handshake;
  readonly traces: TraceIntake;
  readonly gate: ReadingGate;
  /** Has small pieces scanned together; absent if the link passes on everything that waits at once. */
  readonly batching: ScanBatching | undefined;
  /** The handshake is complete. */
  readonly onConnected: () => void;
  /** Called with what the mini-protocols throw. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Passes what arrives on one connection to the mini-protocols. Trace objects are scanned when the whole piece that they
 * arrived in has been passed on, or several small ones. The time counts as work in this turn of the event loop.
 */
export class Reception implements Scannable {
  readonly #options: ReceptionOptions;
  readonly #demux: Demux;
  /** One for all pieces: there may be many thousands a second. */
  readonly #deliver = (miniProtocol: MiniProtocol, payload: Uint8Array) =>
    this.#dispatch(miniProtocol, payload);
  /** Bytes of trace objects that wait to be scanned. */
  #waitingBytes = 0;
  #hasEnded = false;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    this.#demux = new Demux(options.sender);
  }

  /** Takes the bytes received at `nowMs`. */
  receive(chunk: Uint8Array, nowMs: number): void {
    if (this.#hasEnded) return;
    const { batching, onFault } = this.#options;
    const waits = batching?.begin(this, chunk.length) === true;
    const waitedBytes = this.#waitingBytes;
    let scannedBytes = 0;
    try {
      try {
        this.#demux.push(chunk, this.#deliver);
      } finally {
        // Also those before bad bytes: a fault in them is the earlier one.
        if (waits) scannedBytes = this.#waitingBytes - waitedBytes;
        else scannedBytes = this.#flush();
      }
    } catch (error) {
      onFault(error);
    }
    this.#worked(chunk.length, chunk.length - scannedBytes, nowMs);
  }

  /** Scans the trace objects received. */
  scan(): void {
    const bytes = this.#waitingBytes;
    if (bytes === 0) return;
    const startedAt = performance.now();
    try {
      this.#worked(bytes, bytes - this.#flush(), startedAt);
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  /** Ignores what arrives from now on. */
  end(): void {
    this.#hasEnded = true;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  #flush(): number {
    this.#waitingBytes = 0;
    return this.#options.traces.flush();
  }

  /** Some of these bytes became no batch. There are always a few, which are no reason to wait for a turn. */
  #worked(bytes: number, unbatchedBytes: number, startedAt: number): void {
    const isMore = unbatchedBytes > bytes * overheadShare;
    this.#options.gate.worked(performance.now() - startedAt, isMore ? unbatchedBytes : 0);
  }

  #dispatch(miniProtocol: MiniProtocol, payload: Uint8Array): void {
    const { handshake, sides, onConnected } = this.#options;
    const wasConnected = handshake.done;
    if (!wasConnected && miniProtocol !== miniProtocols.handshake) {
      throw new ProtocolError({
        code: "unexpected-message",
        what: `segment of mini-protocol ${miniProtocol}`,
        state: "handshaking",
      });
    }
    sides[miniProtocol].receive(payload);
    if (miniProtocol === miniProtocols.traceObjects) this.#waitingBytes += payload.length;
    if (!wasConnected && handshake.done) onConnected();
  }
}
