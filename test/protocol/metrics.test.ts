import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeMetricsRequest,
  decodeMetricsResponse,
  encodeMetricsDone,
  encodeMetricsRequest,
  encodeMetricsResponse,
  type MetricsRequest,
  type MetricValue,
} from "../../src/protocol/metrics.js";
import { MetricsDecoder } from "../../src/protocol/metrics-decoder.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { faultOf, hex, messagesOf } from "./streams.js";
import { expectedMetrics, metricsCases, readVector } from "./vectors.js";

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const text = fc.string({ unit: "binary" });
const value: fc.Arbitrary<MetricValue> = fc.oneof(
  fc.record({ kind: fc.constantFrom("counter" as const, "gauge" as const), value: int64 }),
  fc.record({ kind: fc.constant("label" as const), value: text }),
);

describe("recorded metrics", () => {
  test.each(metricsCases)(
    "the answers of %s decode to the values that were set, and are reproduced",
    (name) => {
      const messages = messagesOf(readVector(name, "forwarder"), miniProtocols.metrics);
      const answers = messages.map(decodeMetricsResponse);
      expect(answers).toEqual(expectedMetrics(name).responses);
      const made = Buffer.concat(answers.map(encodeMetricsResponse));
      expect(made.equals(Buffer.concat(messages))).toBe(true);
    },
  );

  test.each(metricsCases)("the requests of %s are decoded and reproduced", (name) => {
    const messages = messagesOf(readVector(name, "acceptor"), miniProtocols.metrics);
    const requests = messages.map((message) => decodeMetricsRequest(message)) as MetricsRequest[];
    const asked = requests.map((request) => (request.kind === "names" ? request.names : request.kind));
    expect(asked).toEqual(expectedMetrics(name).requests);
    const made = Buffer.concat(requests.map(encodeMetricsRequest));
    expect(made.equals(Buffer.concat(messages))).toBe(true);
  });

  test("done is decoded and reproduced", () => {
    const done = messagesOf(readVector("data-points", "acceptor"), miniProtocols.metrics).at(-1)!;
    expect(decodeMetricsRequest(done)).toEqual({ kind: "done" });
    expect(Buffer.from(encodeMetricsDone())).toEqual(Buffer.from(done));
  });
});

/** Appends the metrics of an answer as they are passed on. */
function readInto(taken: unknown[], bytes: Uint8Array): void {
  const decoder = new MetricsDecoder({
    maxAnswerBytes: 1_000,
    onAnswer: () => ({
      number: (...metric) => taken.push(metric),
      label: (...metric) => taken.push(metric),
      surplus: () => {},
      end: () => {},
    }),
  });
  decoder.push(bytes);
}

describe("an answer", () => {
  test("is decoded unchanged, whatever its names and values", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, value)), (metrics) => {
        expect(decodeMetricsResponse(encodeMetricsResponse(metrics))).toEqual(metrics);
      }),
    );
  });

  test.each([
    ["2^53 + 1, which no number holds", "1b 0020000000000001", 2n ** 53n + 1n],
    ["the greatest of 64 bits", "1b 7fffffffffffffff", 2n ** 63n - 1n],
    ["the least of 64 bits", "3b 7fffffffffffffff", -(2n ** 63n)],
    ["-1", "20", -1n],
    ["23 in nine bytes", "1b 0000000000000017", 23n],
    ["-24 in five bytes", "3a 00000017", -24n],
    ["65,535 in three bytes", "19 ffff", 65_535n],
    ["255 in two bytes", "18 ff", 255n],
  ])("holds %s exactly", (_, encoded, number) => {
    const metrics = decodeMetricsResponse(hex(`82 01 82 00 81 82 61 61 82 01 ${encoded}`));
    expect(metrics).toEqual([["a", { kind: "gauge", value: number }]]);
  });

  test.each([
    ["2^53 - 1", "1b 001fffffffffffff", 2 ** 53 - 1],
    ["2^53", "1b 0020000000000000", 2n ** 53n],
    ["-2^53", "3b 001fffffffffffff", -(2 ** 53)],
    ["-2^53 - 1", "3b 0020000000000000", -(2n ** 53n) - 1n],
  ])("gives %s as a number or, if that would round, as a bigint", (_, encoded, value) => {
    const taken: unknown[] = [];
    readInto(taken, hex(`82 01 82 00 82 82 61 61 82 01 ${encoded} 82 61 62 82 02 61 63`));
    expect(taken).toEqual([
      ["a", "gauge", value],
      ["b", "c"],
    ]);
  });

  test("gives the metrics before a fault", () => {
    const taken: unknown[] = [];
    const message = hex("82 01 82 00 82 82 61 61 82 00 05 82 61 62 82 03 05");
    const fault = faultOf(() => readInto(taken, message));
    expect(fault).toMatchObject({ code: "malformed", expected: "key 0 or 1 or 2" });
    expect(taken).toEqual([["a", "counter", 5]]);
  });

  test.each([
    ["a definite list", "82 01 82 00 81 82 61 61 82 00 05"],
    ["an indefinite list", "82 01 82 00 9f 82 61 61 82 00 05 ff"],
    ["longer lengths than needed", "9802 1801 9802 1800 9801 9802 7801 61 9802 1800 1805"],
  ])("is accepted as %s", (_, message) => {
    expect(decodeMetricsResponse(hex(message))).toEqual([["a", { kind: "counter", value: 5n }]]);
  });

  test.each([
    ["a definite empty list", "82 01 82 00 80"],
    ["an indefinite empty list", "82 01 82 00 9f ff"],
  ])("may be %s", (_, message) => {
    expect(decodeMetricsResponse(hex(message))).toEqual([]);
  });

  test.each([
    ["a number beyond 64 bits with sign", "82 01 82 00 81 82 61 61 82 00 1b 8000000000000000", "malformed"],
    ["a number below 64 bits with sign", "82 01 82 00 81 82 61 61 82 00 3b 8000000000000000", "malformed"],
    ["a counter of text", "82 01 82 00 81 82 61 61 82 00 61 61", "malformed"],
    ["a label of a number", "82 01 82 00 81 82 61 61 82 02 05", "malformed"],
    ["a fourth kind", "82 01 82 00 81 82 61 61 82 03 05", "malformed"],
    ["a float", "82 01 82 00 81 82 61 61 82 01 fb 3ff0000000000000", "malformed"],
    ["a name of invalid UTF-8", "82 01 82 00 81 82 61 ff 82 00 05", "invalid-utf8"],
    ["a label of invalid UTF-8", "82 01 82 00 81 82 61 61 82 02 62 c3 28", "invalid-utf8"],
    ["a name in chunks", "82 01 82 00 81 82 7f 61 61 ff 82 00 05", "malformed"],
    ["a name of bytes", "82 01 82 00 81 82 41 61 82 00 05", "malformed"],
    ["an indefinite pair", "82 01 82 00 81 9f 61 61 82 00 05 ff", "malformed"],
    ["a triple", "82 01 82 00 81 83 61 61 82 00 05 00", "malformed"],
    ["an indefinite message", "9f 01 82 00 80 ff", "malformed"],
    ["no constructor", "82 01 80", "malformed"],
    ["another constructor", "82 01 82 01 80", "malformed"],
    ["a request", "82 00 81 02", "malformed"],
    ["more than a message", "82 01 82 00 80 00", "malformed"],
    ["fewer metrics than announced", "82 01 82 00 82 82 61 61 82 00 05", "malformed"],
    ["a name longer than the message", "82 01 82 00 81 82 7b 1000000000000000 61", "malformed"],
    ["nothing", "", "malformed"],
  ])("with %s is refused", (_, message, code) => {
    expect(faultOf(() => decodeMetricsResponse(hex(message)))?.code).toBe(code);
  });

  test("is refused with more than 1,048,576 metrics", () => {
    const metric = Buffer.from(hex("82 60 82 00 00"));
    const head = hex("82 01 82 00 9f");
    const answer = (metrics: number) =>
      Buffer.concat([head, Buffer.alloc(metrics * metric.length, metric), hex("ff")]);
    expect(decodeMetricsResponse(answer(1_048_576))).toHaveLength(1_048_576);
    expect(faultOf(() => decodeMetricsResponse(answer(1_048_577)))?.code).toBe("malformed");
  });

  test("is refused if it is cut short anywhere", () => {
    const [message] = messagesOf(readVector("metrics-all", "forwarder"), miniProtocols.metrics);
    for (let end = 0; end < message!.length; end += 1) {
      expect(faultOf(() => decodeMetricsResponse(message!.subarray(0, end)))?.code).toBe("malformed");
    }
  });
});

describe("a request", () => {
  test("for names is decoded unchanged", () => {
    fc.assert(
      fc.property(fc.array(text), (names) => {
        const request = { kind: "names", names } as const;
        expect(decodeMetricsRequest(encodeMetricsRequest(request))).toEqual(request);
      }),
    );
  });

  test.each([
    ["an unknown kind", "82 00 81 03"],
    ["names without names", "82 00 81 01"],
    ["all with names", "82 00 82 00 80"],
    ["an indefinite message", "9f 00 81 00 ff"],
    ["an answer", "82 01 82 00 80"],
    ["done with a field", "82 01 00"],
    ["an unknown key", "81 02"],
    ["more than a message", "81 01 00"],
    ["names that are numbers", "82 00 82 01 81 05"],
    ["names without an end", "82 00 82 01 9f 61 61"],
  ])("with %s is refused", (_, message) => {
    expect(faultOf(() => decodeMetricsRequest(hex(message)))?.code).toBe("malformed");
  });
});
