import { expect, test } from "vitest";
import { filesOf, placesWithin } from "../../src/http/places.js";

test.each([
  [128, 8, 2],
  [1_024, 32, 8],
  [8_192, 256, 16],
  [1_048_576, 2_048, 16],
  [Number.POSITIVE_INFINITY, 2_048, 16],
])(
  "with %d files an endpoint has %i connections and %i reserved ones",
  (files, maxConnections, reservedConnections) => {
    expect(placesWithin(files)).toEqual({ maxConnections, reservedConnections });
  },
);

test("three endpoints use at most a seventh of the files of a usual process", () => {
  expect(filesOf(3, 1_024)).toBe(123);
});
