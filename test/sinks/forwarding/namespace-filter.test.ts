import { expect, test } from "vitest";
import { namespaceFilter } from "../../../src/sinks/forwarding/namespace-filter.js";

const namespaces = ["ChainDB.A", "ChainDBX.A", "Forge.Loop.B", ""];

test.each<[string, readonly (readonly string[])[] | undefined, readonly string[]]>([
  ["no filter", undefined, namespaces],
  ["an empty list", [], []],
  ["the empty prefix", [[]], namespaces],
  ["one word", [["ChainDB"]], ["ChainDB.A", "ChainDBX.A"]],
  ["two parts", [["Forge", "Loop"]], ["Forge.Loop.B"]],
  ["two parts in one text", [["Forge.Loop"]], ["Forge.Loop.B"]],
  ["other letter case", [["forge"]], []],
  ["several prefixes", [["ChainDBX"], ["Forge"]], ["ChainDBX.A", "Forge.Loop.B"]],
])("%s passes the same as in cardano-tracer", (_, prefixes, passed) => {
  expect(namespaces.filter(namespaceFilter(prefixes))).toEqual(passed);
});
