import { expect, test } from "vitest";
import { ProtocolError } from "../../src/protocol/faults.js";

test("an unexpected message is named without its article", () => {
  const message = (what: string) =>
    new ProtocolError({ code: "unexpected-message", what, state: "handshaking" }).message;
  expect(message("a metrics request")).toBe("unexpected metrics request while handshaking");
  expect(message("segment of mini-protocol 2")).toBe(
    "unexpected segment of mini-protocol 2 while handshaking",
  );
});
