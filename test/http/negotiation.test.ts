import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Accept, acceptsGzip } from "../../src/http/negotiation.js";

describe("what a client prefers", () => {
  const openMetrics = "application/openmetrics-text";
  test.each<[string | undefined, boolean]>([
    [undefined, true],
    ["", true],
    [" , ;q=1, ", true],
    ["nonsense", true],
    ["application/openmetrics-text", true],
    ["Application/OpenMetrics-Text; version=1.0.0; charset=utf-8", true],
    [
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      true,
    ],
    ["text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.8", false],
    ["application/openmetrics-text;q=0.5,*/*;q=0.8", false],
    ["text/plain, application/openmetrics-text", true],
    ["application/openmetrics-text;q=0", false],
    ["application/openmetrics-text;q=0.000", false],
    ["application/openmetrics-text;q=abc", true],
    ["application/openmetrics-text;q=-1", false],
    ["application/openmetrics-text;q=99", true],
    ["application/openmetrics-text;q=", true],
    ["*/*", false],
    ["application/*", false],
    ["text/html,application/xhtml+xml,*/*;q=0.8", false],
    ["text/plain", false],
  ])("for Accept %j the choice of OpenMetrics is %s", (header, chosen) => {
    expect(new Accept(header).prefers(openMetrics, "text/plain")).toBe(chosen);
  });

  test.each<[string | undefined, number]>([
    [undefined, 1],
    ["text/html", 0],
    ["application/json;q=0, */*", 0],
    ["application/*;q=0.3, */*;q=0.9", 0.3],
    ["*/*;q=0.2", 0.2],
    ["gibberish", 1],
  ])("Accept %j wants JSON with quality %d", (header, quality) => {
    expect(new Accept(header).quality("application/json")).toBe(quality);
  });
});

test.each<[string | undefined, boolean]>([
  [undefined, false],
  ["", false],
  ["gzip", true],
  ["GZIP", true],
  ["x-gzip", true],
  ["deflate, gzip;q=1.0, *;q=0.5", true],
  ["*", true],
  ["*;q=0", false],
  ["gzip;q=0", false],
  ["gzip;q=0, *", false],
  ["identity", false],
  ["identity;q=1, gzip;q=0.5", false],
  ["br, zstd", false],
])("Accept-Encoding %j accepts gzip: %s", (header, accepted) => {
  expect(acceptsGzip(header)).toBe(accepted);
});

test("only the first entries of a header are looked at", () => {
  expect(acceptsGzip(`${"br,".repeat(31)}gzip`)).toBe(true);
  expect(acceptsGzip(`${"br,".repeat(32)}gzip`)).toBe(false);
  expect(acceptsGzip(`${" ".repeat(1_020)}gzip`)).toBe(true);
  expect(acceptsGzip(`${" ".repeat(1_024)}gzip`)).toBe(false);
});

test("no header can make negotiation fail", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (header) => {
      const accept = new Accept(header);
      expect(accept.quality("application/json")).toBeGreaterThanOrEqual(0);
      expect(accept.quality("application/json")).toBeLessThanOrEqual(1);
      expect(acceptsGzip(header)).toBeTypeOf("boolean");
    }),
  );
});
