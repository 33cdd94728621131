import fc from "fast-check";
import { detailLevels, severities } from "../../src/protocol/trace-batch.js";
import type { TraceObject } from "../../src/protocol/trace-object.js";
import type { ReadObject } from "./streams.js";

/** The fields of one plain trace object as they are on the wire, in hexadecimal. */
const plainFields = {
  head: "89 00",
  human: "80",
  machine: "62 7b7d",
  namespace: "9f 61 61 ff",
  severity: "81 01",
  details: "81 01",
  time: "d9 03e8 a2 01 1a 66a0d0a0 2b 1a 000f4240",
  host: "62 6e31",
  thread: "62 3331",
};

/** A trace object on the wire in hexadecimal: a plain one, except for these fields. */
export function wireObject(fields: Partial<typeof plainFields> = {}): string {
  return Object.values({ ...plainFields, ...fields }).join(" ");
}

/** A reply of such objects, in hexadecimal. */
export function wireReply(...objects: string[]): string {
  return `82 03 9f ${objects.join(" ")} ff`;
}

/** The contents of a plain object. */
export const plainObject: ReadObject = {
  human: undefined,
  machine: "{}",
  namespace: "a",
  severity: "Info",
  details: "DNormal",
  timestamp: 1_721_815_200_000_001_000n,
  host: "n1",
  thread: "31",
};

/** The contents of an object once it has been sent and read. */
export function asRead(object: TraceObject): ReadObject {
  const { human, machine, severity, details, host, thread, timestamp } = object;
  const nanoseconds = BigInt(timestamp.seconds) * 1_000_000_000n + BigInt(timestamp.picoseconds) / 1_000n;
  const namespace = object.namespace.join(".");
  return { human, machine, namespace, severity, details, timestamp: nanoseconds, host, thread };
}

/** The line of an object's machine text. */
export function asLine(object: TraceObject): string {
  return `${object.machine.replaceAll("\n", " ")}\n`;
}

const text = fc.string({ unit: "binary" });
const machine = fc.oneof(
  text,
  fc
    .array(fc.constantFrom("\n", "é", "€", "😀", "{}", "\0"), { maxLength: 40 })
    .map((parts) => parts.join("")),
);

/** Any trace object, even one that no node sends. */
export const anyTraceObject: fc.Arbitrary<TraceObject> = fc.record({
  human: fc.option(text, { nil: undefined }),
  machine,
  namespace: fc.array(text, { maxLength: 4 }),
  severity: fc.constantFrom(...severities),
  details: fc.constantFrom(...detailLevels),
  timestamp: fc.record({
    seconds: fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }),
    picoseconds: fc.integer({ min: 0, max: 999_999_999_999 }),
  }),
  host: text,
  thread: text,
});
