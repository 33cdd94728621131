import fc from "fast-check";
import { expect, test } from "vitest";
import { consoleLine, machineLine, timeOf } from "../../src/tail/traced-line.js";

const place = { node: "a", fallbackAt: 5n };

test("a line gives its own facts in any order of keys, even with keys of the same names inside its data", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 12 });
  const inner = fc.record({ sev: text, thread: text, host: text, at: text, ns: text });
  fc.assert(
    fc.property(text, text, text, inner, fc.boolean(), (ns, thread, host, data, isUsual) => {
      const facts = { at: "2026-02-16T09:30:01.000000007Z", ns, data, sev: "Error", thread, host };
      const entries = Object.entries(facts);
      const line = JSON.stringify(isUsual ? facts : Object.fromEntries(entries.reverse()));
      expect(machineLine(line, place)).toMatchObject({ severity: "Error", namespace: ns, thread, host });
      expect(machineLine(line, place).at % 1_000_000_000n).toBe(7n);
    }),
  );
});

test("segments from older nodes are joined, and a line without facts has the time of its file", () => {
  expect(machineLine('{"ns":["a","B"],"sev":"Odd"}', place)).toMatchObject({
    namespace: "a.B",
    severity: undefined,
  });
  for (const text of ["", "null", "7", "{"])
    expect(machineLine(text, place)).toMatchObject({ at: 5n, namespace: "" });
});

test.each([
  { text: "2026-02-16T09:30:01Z", ns: 1_771_234_201_000_000_000n },
  { text: "2026-02-16T09:30:01.1234567891Z", ns: 1_771_234_201_123_456_789n },
  { text: "2026-02-16 09:30:01.5169Z", ns: 1_771_234_201_516_900_000n },
  { text: "2026-02-16 09:30:01.5 UTC", ns: 1_771_234_201_500_000_000n },
  { text: "2026-02-31T99:30:01Z", ns: undefined },
  { text: "yesterday", ns: undefined },
])("the time $text is read to the nanosecond, or not at all", ({ text, ns }) => {
  expect(timeOf(text)).toBe(ns);
});

test("a console line without a head has no facts and is its own text", () => {
  expect(consoleLine("just a text", place, undefined)).toMatchObject({
    at: 5n,
    severity: undefined,
    human: "just a text",
  });
});
