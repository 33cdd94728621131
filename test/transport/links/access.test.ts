import fc from "fast-check";
import { expect, test } from "vitest";
import { type AccessRule, admit, allowing, type Shown } from "../../../src/transport/links/access.js";

test.each([
  { pattern: "relay-1", name: "relay-1", allowed: true },
  { pattern: "relay-1", name: "relay-10", allowed: false },
  { pattern: "relay-1", name: "my-relay-1", allowed: false },
  { pattern: "relay-*", name: "relay-1", allowed: true },
  { pattern: "relay-*", name: "relay-", allowed: true },
  { pattern: "relay-*", name: "relay", allowed: false },
  { pattern: "*-bp", name: "a-bp", allowed: true },
  { pattern: "*-bp", name: "a-bp-b", allowed: false },
  { pattern: "a*b*c", name: "a--b--c", allowed: true },
  { pattern: "a*b*c", name: "abc", allowed: true },
  { pattern: "a*b*c", name: "acb", allowed: false },
  { pattern: "a*a", name: "a", allowed: false },
  { pattern: "*", name: "whatever", allowed: true },
  { pattern: "relay.1", name: "relayx1", allowed: false },
  { pattern: "*", name: undefined, allowed: true },
  { pattern: "**", name: undefined, allowed: false },
  { pattern: "relay-*", name: undefined, allowed: false },
])("$pattern lets the name $name in: $allowed", ({ pattern, name, allowed }) => {
  expect(allowing([pattern])(name)).toBe(allowed);
});

test("a name that ends in another node's directory must be allowed that one as well", () => {
  const allows = allowing(["relay-*"]);
  expect([allows("relay-1/relay-2"), allows("relay-1/bp-1"), allows("relay-1/")]).toEqual([
    true,
    false,
    false,
  ]);
});

test("a pattern matches the same names as the equivalent regular expression", () => {
  const texts = fc.stringMatching(/^[ab*]{0,8}$/);
  const names = fc.stringMatching(/^[ab]{0,10}$/);
  fc.assert(
    fc.property(texts, names, (pattern, name) => {
      expect(allowing([pattern])(name)).toBe(new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(name));
    }),
    { numRuns: 2_000 },
  );
});

test("a long name and many stars are checked quickly", () => {
  const allows = allowing([`${"*a".repeat(200)}*b`]);
  const begun = performance.now();
  expect(allows("a".repeat(100_000))).toBe(false);
  expect(performance.now() - begun).toBeLessThan(1_000);
});

const rules: readonly AccessRule[] = [
  { token: "first-token-of-16", nodes: ["relay-1"] },
  { token: "second-token-of-16", nodes: ["relay-2"] },
  { token: "second-token-of-16", nodes: ["relay-3"] },
  { subject: { CN: "pool-a" }, nodes: ["bp-a"] },
  { subject: { CN: "pool-a", OU: "producers" }, nodes: ["bp-b"] },
];
const names = ["relay-1", "relay-2", "relay-3", "bp-a", "bp-b"];

function namesOf(shown: Shown): readonly string[] | string {
  const admission = admit(rules, shown);
  return "refused" in admission ? admission.refused : names.filter((name) => admission.allows?.(name));
}

interface Case {
  readonly what: string;
  readonly shown: Shown;
  readonly gets: readonly string[] | string;
}

test.each<Case>([
  { what: "nothing", shown: {}, gets: "token" },
  { what: "a token", shown: { token: "first-token-of-16" }, gets: ["relay-1"] },
  { what: "a token of two rules", shown: { token: "second-token-of-16" }, gets: ["relay-2", "relay-3"] },
  { what: "the beginning of a token", shown: { token: "first-token-of-1" }, gets: "token" },
  { what: "an empty token", shown: { token: "" }, gets: "token" },
  { what: "a certificate", shown: { subject: { CN: "pool-a" } }, gets: ["bp-a"] },
  {
    what: "a certificate with several values of one name",
    shown: { subject: { CN: "pool-a", OU: ["relays", "producers"] } },
    gets: ["bp-a", "bp-b"],
  },
  { what: "an unknown certificate", shown: { subject: { CN: "pool-b" } }, gets: "token" },
  {
    what: "a token and a certificate",
    shown: { token: "first-token-of-16", subject: { CN: "pool-a" } },
    gets: ["relay-1", "bp-a"],
  },
  {
    what: "a wrong token and a right certificate",
    shown: { token: "wrong", subject: { CN: "pool-a" } },
    gets: "token",
  },
  {
    what: "a subject with the name of an object's property",
    shown: { subject: { constructor: "x" } },
    gets: "token",
  },
])("$what gives access to $gets", ({ shown, gets }) => {
  expect(namesOf(shown)).toEqual(gets);
});

test("without token rules, an unknown certificate is the reason for a refusal", () => {
  expect(admit([rules[3]!], { subject: { CN: "pool-b" } })).toEqual({ refused: "certificate" });
  expect(admit([], {})).toEqual({ refused: "certificate" });
});

test("access for anyone allows every name", () => {
  expect(admit("anyone", { token: "whatever" })).toEqual({});
});
