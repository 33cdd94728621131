import { loopSlices, sliceMs } from "../http/loop-slices.js";
import type { Settlement } from "../inner-nodes/inner-node.js";
import { textOf } from "./any-value.js";
import { encoderBytes, isLong, LogObjects, maxNameLength, type Rejection } from "./log-object.js";
import { type TakenPoints, takeMetric } from "./metric-values.js";
import { type Pieces, requestPieces } from "./request-pieces.js";
import { type ResourceNode, ResourceNodes, type ResourceNodesOptions } from "./resource-nodes.js";
import {
  type Encoding,
  type LogRecord,
  type Metric,
  type Resource,
  type Signal,
  TooManyParts,
} from "./schema.js";

/** The outcome of a request. */
export type Outcome =
  /** Everything is safe except what was rejected for good. */
  | { readonly kind: "taken"; readonly rejected: number; readonly message: string }
  /** It cannot be read, and never will be. */
  | { readonly kind: "malformed"; readonly message: string }
  /** It may be sent again. */
  | { readonly kind: "busy" | "failed"; readonly message: string };

export interface ReceiverOptions extends ResourceNodesOptions {
  readonly maxObjectBytes: number;
}

/** The sender of a request. */
export interface Client {
  /** The address it counts under, for limits per peer. */
  readonly peer: string;
  /** Reserves this many more bytes for what is made of the request; false if there is no room. */
  readonly hold: (bytes: number) => boolean;
}

export interface ReceiverCounts {
  /** Log records and data points. */
  taken: Record<Signal, number>;
  rejected: Record<Signal, number>;
}

/** Turns resources into nodes, log records into trace objects, and data points into metrics. */
export class Receiver {
  readonly counts: ReceiverCounts = { taken: { logs: 0, metrics: 0 }, rejected: { logs: 0, metrics: 0 } };
  readonly #options: ReceiverOptions;
  readonly #nodes: ResourceNodes;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#nodes = new ResourceNodes(options);
  }

  get resources(): number {
    return this.#nodes.size;
  }

  /** Resolves when the contents of the request are safe. Never rejects. */
  async take(signal: Signal, encoding: Encoding, body: Uint8Array, from: Client): Promise<Outcome> {
    let outcome: Outcome;
    try {
      await loopSlices.turn();
      outcome =
        signal === "logs"
          ? await this.#takeLogs(requestPieces("logs", encoding, body), from)
          : await this.#takeMetrics(requestPieces("metrics", encoding, body), from);
    } catch (error) {
      const { message } = error as Error;
      // Any other error of a decoder means that it cannot read the bytes.
      const what =
        error instanceof TooManyParts ? "this is too much for one request" : "this is not an OTLP request";
      return { kind: "malformed", message: `${what}: ${message}` };
    }
    if (outcome.kind === "taken") this.counts.rejected[signal] += outcome.rejected;
    return outcome;
  }

  async stop(): Promise<void> {
    await this.#nodes.stop();
  }

  async #takeLogs(pieces: Pieces<LogRecord>, { peer, hold }: Client): Promise<Outcome> {
    const { maxObjectBytes } = this.#options;
    const slice = new Slice();
    const rejected: Record<Rejection, number> = { "too-large": 0, misnamed: 0 };
    let bytes = 0;
    // All objects are made before the first is handed over, so that a malformed request is refused as a whole.
    const parts: { readonly resource: Resource | undefined; readonly objects: Uint8Array[] }[] = [];
    let part: (typeof parts)[number] | undefined;
    let host: string | undefined;
    let made: LogObjects | undefined;
    for (const next of pieces) {
      // The generator has just decoded a piece, which takes time if it is long.
      if (slice.isOver()) {
        if (!hold(bytes)) return full;
        bytes = 0;
        await slice.next();
      }
      if (next !== undefined && next.pieces.length > 0) {
        const { resource, scope, pieces: records } = next;
        if (part === undefined || part.resource !== resource) {
          part = { resource, objects: [] };
          parts.push(part);
          const its = textOf(resource?.attributes ?? [], "host.name") ?? "";
          bytes += partBytes + (its === host ? 0 : encoderBytes);
          if (made === undefined || its !== host) made = new LogObjects(its, maxObjectBytes);
          host = its;
        }
        for (const record of records) {
          const message = made!.message(record, scope);
          if (typeof message !== "string" && isLong(message)) await slice.next();
          const object = typeof message === "string" ? message : made!.encode(message);
          if (typeof object === "string") rejected[object] += 1;
          else {
            part.objects.push(object);
            bytes += object.length + objectBytes;
          }
        }
      }
    }
    if (!hold(bytes)) return full;
    const handed: Promise<readonly [Settlement, number]>[] = [];
    for (const { resource, objects } of parts) {
      if (objects.length === 0) continue;
      if (slice.isOver()) await slice.next();
      let node = await this.#nodes.of(resource, peer);
      if (node === "busy") {
        // A single request may have more resources than there is room for at a time.
        await Promise.all(handed);
        node = await this.#nodes.of(resource, peer);
        if (node === "busy") return busy;
      }
      const settlement = node === "refused" ? Promise.resolve(node) : node.inner.add(objects);
      handed.push(settlement.then((settled) => [settled, objects.length]));
    }
    const settled = await Promise.all(handed);
    const count = (wanted: Settlement) =>
      settled.reduce((sum, [settlement, objects]) => sum + (settlement === wanted ? objects : 0), 0);
    this.counts.taken.logs += count("safe");
    if (count("failed") > 0)
      return { kind: "failed", message: "not all records are safe; Muninn's log says why" };
    const refused = count("refused");
    const { "too-large": tooLarge, misnamed } = rejected;
    const reasons = [
      ...(tooLarge > 0 ? [`${tooLarge} records are larger than ${maxObjectBytes} bytes`] : []),
      ...(misnamed > 0
        ? [`${misnamed} records have a host, namespace or thread of more than ${maxNameLength} characters`]
        : []),
      ...(refused > 0 ? [`${refused} records are of resources ${refusedNames}`] : []),
    ];
    return { kind: "taken", rejected: tooLarge + misnamed + refused, message: reasons.join("; ") };
  }

  async #takeMetrics(pieces: Pieces<Metric>, { peer }: Client): Promise<Outcome> {
    const slice = new Slice();
    const taken: TakenPoints = { rejected: 0, reasons: new Set() };
    const refuse = (points: number) => {
      taken.rejected += points;
      if (points > 0) taken.reasons.add(`points are of resources ${refusedNames}`);
    };
    let all = 0;
    let node: ResourceNode | "refused" | undefined;
    let resource: Resource | undefined;
    /** Accepted points of the current resource, rejected after all if its node does not get its name. */
    let part = { points: 0 };
    const decided: Promise<void>[] = [];
    for (const next of pieces) {
      if (next !== undefined && next.pieces.length > 0) {
        if (node === undefined || resource !== next.resource) {
          const found = await this.#nodes.of(next.resource, peer);
          if (found === "busy") return busy;
          node = found;
          resource = next.resource;
          const its = { points: 0 };
          part = its;
          if (found !== "refused")
            decided.push(found.inner.isAdmitted.then((named) => (named ? undefined : refuse(its.points))));
        }
        for (const metric of next.pieces) {
          const points = pointsOf(metric);
          all += points;
          if (node === "refused") refuse(points);
          else {
            const rejectedBefore = taken.rejected;
            takeMetric(metric, node.metrics, taken);
            part.points += points - (taken.rejected - rejectedBefore);
          }
        }
      }
      if (slice.isOver()) await slice.next();
    }
    await Promise.all(decided);
    this.counts.taken.metrics += all - taken.rejected;
    return { kind: "taken", rejected: taken.rejected, message: [...taken.reasons].join("; ") };
  }
}

const refusedNames = "whose names were refused: new names are limited";
const busy: Outcome = { kind: "busy", message: "too many resources send at the same time" };
const full: Outcome = { kind: "busy", message: "too much is waiting to be written" };

/** Memory of an object in addition to its bytes, and of a resource in addition to its objects. */
const objectBytes = 200;
const partBytes = 400;

/** A slice of time for this request, which begins now; after it, others have their turn. */
class Slice {
  #end = performance.now() + sliceMs;

  isOver(): boolean {
    return performance.now() >= this.#end;
  }

  async next(): Promise<void> {
    await loopSlices.turn();
    this.#end = performance.now() + sliceMs;
  }
}

function pointsOf({ gauge, sum, histogram, exponentialHistogram, summary }: Metric): number {
  return [gauge, sum, histogram, exponentialHistogram, summary].reduce(
    (count, data) => count + (data?.dataPoints.length ?? 0),
    0,
  );
}
