import { expect, test } from "vitest";
import { nearest } from "../../src/fields/suggestion.js";

test.each([
  ["logging", "logging"],
  ["LOGGING", "logging"],
  ["loging", "logging"],
  ["lgoging", "logging"],
  ["loggings", "logging"],
  ["rotaton", "rotation"],
  ["blogging", "logging"],
  ["quite another", undefined],
  ["", undefined],
  ["x".repeat(10_000), undefined],
])("for %s the suggestion is %s", (word, meant) => {
  expect(nearest(word, ["logging", "rotation", "network"])).toBe(meant);
});

test("the nearest of several names is suggested, and the first of those equally near", () => {
  expect(nearest("hostt", ["port", "hosts", "host"])).toBe("hosts");
});
