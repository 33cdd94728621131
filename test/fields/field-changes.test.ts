import { expect, test } from "vitest";
import { group, optional, required, withDefault } from "../../src/fields/field.js";
import { differing, liveIn, mixed } from "../../src/fields/field-changes.js";
import { mapping } from "../../src/fields/mapping.js";
import { duration, flag, text } from "../../src/fields/plain-kinds.js";

const fields = {
  name: required(text(), "", { as: "called" }),
  timeout: withDefault(duration(), "1s", "", { live: true }),
  store: group({
    path: optional(text(), ""),
    limits: group({
      age: withDefault(duration(), "1h", "", { live: true }),
      strict: withDefault(flag(), false, ""),
    }),
  }),
  page: group({ host: optional(text(), ""), title: optional(text(), "") }),
  proof: optional(mapping({ token: optional(text(), "", { live: true }) }), ""),
};

const before = {
  called: "a",
  timeoutMs: 1,
  store: { path: "/a", limits: { ageMs: 1, strict: false } },
  page: { host: "h" },
};

test("live fields are named at their full depth, and only if their mapping is always present", () => {
  expect([...liveIn(fields)]).toEqual(["timeout", "store.limits.age"]);
});

test("a reload replaces only the live parts of a mapping, and names these parts", () => {
  const after = {
    called: "b",
    timeoutMs: 2,
    store: { limits: { ageMs: 2, strict: true } },
    page: { host: "i", title: "t" },
    proof: { token: "t" },
  };
  const taken = mixed(fields, before, after);
  expect(taken).toEqual({
    called: "a",
    timeoutMs: 2,
    store: { path: "/a", limits: { ageMs: 2, strict: false } },
    page: { host: "h" },
  });
  expect([...differing(fields, before, taken)]).toEqual(["timeout", "store.limits.age"]);
  expect([...differing(fields, taken, after)]).toEqual([
    "name",
    "store.path",
    "store.limits.strict",
    "page",
    "proof",
  ]);
});

test("equal values have no differences", () => {
  expect([...differing(fields, before, structuredClone(before))]).toEqual([]);
});
