import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import {
  decodeTraceRequest,
  encodeTraceDone,
  encodeTraceReply,
  encodeTraceRequest,
} from "../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import { faultOf, hex, messagesOf, payloadOf } from "./streams.js";
import { expectedObjects, objectCases, readVector } from "./vectors.js";

describe("messages from a forwarder", () => {
  test.each(objectCases)("the recorded replies of %s are reproduced byte for byte", (name) => {
    const recording = readVector(name, "forwarder");
    const recorded = payloadOf(recording, miniProtocols.traceObjects);
    const objects = expectedObjects(name).map(encodeTraceObject);
    // A recorded session asked for a hundred at a time.
    const replies: Uint8Array[] = [];
    for (let at = 0; at < objects.length; at += 100)
      replies.push(encodeTraceReply(objects.slice(at, at + 100)));
    expect(Buffer.concat(replies).equals(recorded)).toBe(true);
  });

  test("an empty reply to a non-blocking request is a definite empty list", () => {
    expect(Buffer.from(encodeTraceReply([]))).toEqual(Buffer.from(hex("82 03 80")));
  });

  test("a time before 1970 has negative seconds", () => {
    const [object] = expectedObjects("small-session");
    const encoded = encodeTraceObject({ ...object!, timestamp: { seconds: -2, picoseconds: 5 } });
    expect(Buffer.from(encoded).toString("hex")).toContain("d903e8a201212b05");
  });
});

describe("messages from an acceptor", () => {
  test.each(objectCases)("the recorded requests of %s are decoded and reproduced", (name) => {
    const messages = messagesOf(readVector(name, "acceptor"), miniProtocols.traceObjects);
    expect(messages.length).toBeGreaterThan(1);
    for (const message of messages) {
      const request = decodeTraceRequest(message);
      if (request.kind === "request")
        expect(request).toEqual({ kind: "request", blocking: true, count: 100 });
      const made = request.kind === "done" ? encodeTraceDone() : encodeTraceRequest(request.count);
      expect(Buffer.from(made)).toEqual(Buffer.from(message));
    }
  });

  test.each(["small-session", "done-after-250"] as const)(
    "the last recorded message of %s is done",
    (name) => {
      const messages = messagesOf(readVector(name, "acceptor"), miniProtocols.traceObjects);
      expect(decodeTraceRequest(messages.at(-1)!)).toEqual({ kind: "done" });
    },
  );

  test.each([
    ["a blocking request", "83 01 f5 82 00 18 64", { kind: "request", blocking: true, count: 100 }],
    [
      "a request that does not block",
      "83 01 f4 82 00 18 64",
      { kind: "request", blocking: false, count: 100 },
    ],
    ["a request for 65,535", "83 01 f5 82 00 19 ffff", { kind: "request", blocking: true, count: 65_535 }],
    [
      "a request for 0 that does not block",
      "83 01 f4 82 00 00",
      { kind: "request", blocking: false, count: 0 },
    ],
    [
      "longer lengths than needed",
      "9803 1801 f5 9802 1800 1a00000064",
      { kind: "request", blocking: true, count: 100 },
    ],
    ["done", "81 02", { kind: "done" }],
  ])("%s is accepted", (_, message, request) => {
    expect(decodeTraceRequest(hex(message))).toEqual(request);
  });

  test.each([
    ["a blocking request for 0", "83 01 f5 82 00 00", "unexpected-message"],
    ["a request for 65,536", "83 01 f5 82 00 1a 00010000", "malformed"],
    ["a negative number", "83 01 f5 82 00 20", "malformed"],
    ["an indefinite message", "9f 01 f5 82 00 18 64 ff", "malformed"],
    ["an indefinite number of objects", "83 01 f5 9f 00 18 64 ff", "malformed"],
    ["no constructor of the number", "83 01 f5 18 64", "malformed"],
    ["another constructor of the number", "83 01 f5 82 01 18 64", "malformed"],
    ["a number instead of the bool", "83 01 01 82 00 18 64", "malformed"],
    ["an unknown key", "83 04 f5 82 00 18 64", "malformed"],
    ["an unknown message without fields", "81 01", "malformed"],
    ["done with a field", "82 02 00", "malformed"],
    ["a reply", "82 03 80", "malformed"],
    ["more than a message", "81 02 00", "malformed"],
    ["half a message", "83 01 f5 82 00 18", "malformed"],
    ["nothing", "", "malformed"],
  ])("%s is refused", (_, message, code) => {
    expect(faultOf(() => decodeTraceRequest(hex(message)))?.code).toBe(code);
  });

  test("every request is decoded unchanged", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), fc.boolean(), (count, blocking) => {
        expect(decodeTraceRequest(encodeTraceRequest(count, blocking))).toEqual({
          kind: "request",
          blocking,
          count,
        });
      }),
    );
  });
});
