import { expect, test } from "vitest";
import { InstantVector, RangeVector, typeOf } from "../../../src/timeseries/language/values.js";

test("the type of a vector without elements leaves theirs open", () => {
  expect(typeOf(new InstantVector([]))).toBe("InstantVector a");
  expect(typeOf(new RangeVector([]))).toBe("RangeVector a");
});
