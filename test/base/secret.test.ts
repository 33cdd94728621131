import { expect, test } from "vitest";
import { Secret } from "../../src/base/secret.js";

test("a secret is the same as its own text or bytes, and as nothing else", () => {
  const secret = new Secret("a token of ours");
  expect(secret.isSame("a token of ours")).toBe(true);
  expect(secret.isSame(Buffer.from("a token of ours"))).toBe(true);
  for (const other of ["", "a token of our", "a token of ourss", "A token of ours"])
    expect(secret.isSame(other)).toBe(false);
});
