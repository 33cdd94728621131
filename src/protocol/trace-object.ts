import { CborWriter } from "./cbor-writer.js";
import { type DetailLevel, detailLevels, type Severity, severities } from "./trace-batch.js";
import { extendedTime } from "./trace-time.js";

/** One trace object in readable form, as a forwarder makes it. */
export interface TraceObject {
  readonly human: string | undefined;
  readonly machine: string;
  readonly namespace: readonly string[];
  readonly severity: Severity;
  readonly details: DetailLevel;
  /** Since 1970, UTC. */
  readonly timestamp: { readonly seconds: number; readonly picoseconds: number };
  readonly host: string;
  readonly thread: string;
}

/** Bytes of everything except the two texts. */
const usualBytes = 128;

/** `[0, toHuman, toMachine, toNamespace, toSeverity, toDetails, toTimestamp, toHostname, toThreadId]` */
export function encodeTraceObject(object: TraceObject): Uint8Array {
  const { human = "", machine } = object;
  const writer = new CborWriter(usualBytes + human.length + machine.length);
  writer.array(9).int(0);
  if (object.human === undefined) writer.array(0);
  else writer.array(1).text(object.human);
  writer.text(object.machine);
  writer.list(object.namespace, (segment) => writer.text(segment));
  writer.array(1).int(severities.indexOf(object.severity));
  writer.array(1).int(detailLevels.indexOf(object.details));
  writer.tag(extendedTime.tag).map(2);
  writer.int(extendedTime.secondsKey).int(object.timestamp.seconds);
  writer.int(extendedTime.picosecondsKey).int(object.timestamp.picoseconds);
  return writer.text(object.host).text(object.thread).finish();
}
