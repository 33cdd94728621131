import { describe, expect, test } from "vitest";
import { requestPieces } from "../../src/otlp-in/request-pieces.js";
import { type Signal, TooManyParts } from "../../src/otlp-in/schema.js";

/** All pieces of a request. */
const piecesOf = (signal: Signal, encoding: "protobuf" | "json", body: Uint8Array) =>
  [...requestPieces(signal as "logs", encoding, body)].flatMap((run) =>
    (run?.pieces ?? []).map((piece) => ({ resource: run!.resource, scope: run!.scope, piece })),
  );

/** A field of protobuf with bytes inside. */
function field(number: number, ...inside: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(inside);
  const head = [number * 8 + 2];
  let length = bytes.length;
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) + 128);
  return Buffer.concat([Buffer.from([...head, length]), bytes]);
}

function repeated(count: number, piece: Uint8Array): Buffer {
  return Buffer.alloc(count * piece.length, piece);
}

const attribute = (key: string, value: string) =>
  field(1, field(1, Buffer.from(key)), field(2, field(1, Buffer.from(value))));

test("each protobuf record comes with its resource and scope, whatever the order of fields", () => {
  const record = (text: string) => field(2, field(5, field(1, Buffer.from(text))));
  const body = Buffer.concat([
    field(
      1,
      field(2, record("a"), record("b"), field(1, field(1, Buffer.from("s")))),
      field(1, attribute("k", "v")),
    ),
    field(1, field(2, record("c")), field(9, Buffer.from("unknown"))),
  ]);
  const pieces = piecesOf("logs", "protobuf", body);
  expect(pieces.map(({ piece }) => piece.body?.stringValue)).toEqual(["a", "b", "c"]);
  expect(pieces.map(({ scope }) => scope)).toEqual(["s", "s", ""]);
  expect(pieces.map(({ resource }) => resource?.attributes[0]?.value?.stringValue)).toEqual([
    "v",
    "v",
    undefined,
  ]);
});

test("each JSON record comes with its resource and scope", () => {
  const record = (stringValue: string) => ({ body: { stringValue } });
  const json = {
    resourceLogs: [
      {
        scopeLogs: [{ logRecords: [record("a")], scope: { name: "s" } }, { logRecords: [record("b")] }],
        resource: { attributes: [{ key: "k", value: { stringValue: "v" } }] },
      },
      { scopeLogs: [{ scope: null, logRecords: [record("c")] }, {}], resource: null },
      {},
    ],
  };
  const pieces = piecesOf("logs", "json", Buffer.from(JSON.stringify(json)));
  expect(pieces.map(({ piece }) => piece.body?.stringValue)).toEqual(["a", "b", "c"]);
  expect(pieces.map(({ scope }) => scope)).toEqual(["s", "", ""]);
  expect(pieces[1]!.resource).toBe(pieces[0]!.resource);
  expect(pieces.map(({ resource }) => resource?.attributes[0]?.value?.stringValue)).toEqual([
    "v",
    "v",
    undefined,
  ]);
});

describe.each(["logs", "metrics"] as const)("of %s", (signal) => {
  const read = (encoding: "protobuf" | "json", body: Uint8Array) => piecesOf(signal, encoding, body);

  test("too many pieces are refused, in either encoding", () => {
    expect(read("protobuf", field(1, field(2, repeated(99_998, field(2)))))).toHaveLength(99_998);
    expect(() => read("protobuf", field(1, field(2, repeated(99_999, field(2)))))).toThrow(TooManyParts);
    const json = (count: number) => {
      const pieces = `{}${",{}".repeat(count - 1)}`;
      const [a, b, c] =
        signal === "logs"
          ? ["resourceLogs", "scopeLogs", "logRecords"]
          : ["resourceMetrics", "scopeMetrics", "metrics"];
      return Buffer.from(`{"${a}":[{"${b}":[{"${c}":[${pieces}]}]}]}`);
    };
    expect(read("json", json(99_998))).toHaveLength(99_998);
    expect(() => read("json", json(99_999))).toThrow(TooManyParts);
  });

  test("empty resources and scopes count as well", () => {
    expect(read("protobuf", repeated(100_000, field(1)))).toEqual([]);
    expect(() => read("protobuf", repeated(100_001, field(1)))).toThrow(TooManyParts);
    expect(read("protobuf", field(1, repeated(99_999, field(2))))).toEqual([]);
    expect(() => read("protobuf", field(1, repeated(100_000, field(2))))).toThrow(TooManyParts);
  });

  test("empty resources and scopes give no pieces, and the caller can check the clock at each", () => {
    const steps = (body: Uint8Array) => {
      const pieces = [...requestPieces(signal as "logs", "protobuf", body)];
      expect(pieces.every((run) => (run?.pieces ?? []).length === 0)).toBe(true);
      return pieces.length;
    };
    expect(steps(repeated(90_001, field(1)))).toBeGreaterThan(90_000);
    expect(steps(field(1, repeated(90_001, field(2))))).toBeGreaterThan(90_000);
    // Unknown fields cost less.
    expect(steps(field(1, repeated(100_001, field(9))))).toBeGreaterThan(20);
  });

  test.each([
    ["attributes of a resource", field(1, field(1, repeated(50_001, field(1))), field(2, field(2)))],
    [
      "values in a piece",
      field(
        1,
        field(
          2,
          field(2, signal === "logs" ? repeated(50_001, field(6)) : field(5, repeated(50_001, field(1)))),
        ),
      ),
    ],
  ])("too many %s are refused", (_, body) => {
    expect(() => read("protobuf", body)).toThrow(TooManyParts);
  });

  test("a request that is cut off is refused", () => {
    expect(() => read("protobuf", field(1, field(2, field(2, Buffer.alloc(9)))).subarray(0, -4))).toThrow();
  });

  test("a JSON record with too many values is refused", () => {
    const piece =
      signal === "logs"
        ? `{"attributes":[{}${",{}".repeat(50_000)}]}`
        : `{"gauge":{"dataPoints":[{}${",{}".repeat(50_000)}]}}`;
    const json =
      signal === "logs"
        ? `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${piece}]}]}]}`
        : `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[${piece}]}]}]}`;
    expect(() => read("json", Buffer.from(json))).toThrow(TooManyParts);
  });
});
