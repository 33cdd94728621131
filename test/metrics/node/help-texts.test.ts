import { expect, test } from "vitest";
import { helpFor } from "../../../src/metrics/node/help-texts.js";

const official = {
  "Mem.resident": "Kernel-reported RSS",
  blockNum: "Number of blocks in this chain fragment",
};

test.each([
  ["cardano.node.metrics.Mem.resident_int", official, "Kernel-reported RSS"],
  ["Mem.resident_int", official, "Kernel-reported RSS"],
  ["Mem.resident", official, "Kernel-reported RSS"],
  ["cardano.node.metrics.blockNum_int", official, "Number of blocks in this chain fragment"],
  ["cardano.node.metrics.otherblockNum_int", official, undefined],
  ["cardano.node.metrics.blockNum.more_int", official, undefined],
  ["cardano.node.metrics.blockNum_float", official, undefined],
  ["a.b_counter", { "a.b_counter": "exact", "a.b": "bare", b: "short" }, "exact"],
  ["a.b_counter", { "a.b": "bare", b_counter: "short" }, "bare"],
  ["x.a.b_counter", { "a.b": "of two", b: "of one" }, "of two"],
  ["x.a.b_counter", { "a.b": "bare", b_counter: "longer" }, "longer"],
  ["x.a_real", { a: "of a" }, "of a"],
  ["x.", { "": "nothing" }, undefined],
  ["", { a: "b" }, undefined],
  ["constructor", {}, undefined],
])("%s with the keys %o has the text %s", (name, help, text) => {
  expect(helpFor(name, new Map(Object.entries(help)))).toBe(text);
});

test("a name of a million dots is searched no further than the longest key", () => {
  const help = new Map(Object.entries(official));
  expect(helpFor(`${".".repeat(1_000_000)}blockNum_int`, help)).toBe(official.blockNum);
});
