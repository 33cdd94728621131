import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ProtocolError } from "../../src/protocol/faults.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import { TraceReplyDecoder } from "../../src/protocol/trace-reply-decoder.js";
import {
  anyCuts,
  cutAt,
  cuts,
  decodeReplies,
  faultOf,
  hex,
  linesOf,
  maxObjectBytes,
  payloadOf,
  piecesOf,
  readBatches,
} from "./streams.js";
import { anyTraceObject, asLine, asRead, plainObject, wireObject, wireReply } from "./trace-replies.js";
import { expectedObjects, objectCases, readVector } from "./vectors.js";

describe("recorded replies", () => {
  const recordings = objectCases.map((name) => ({
    name,
    payload: payloadOf(readVector(name, "forwarder"), miniProtocols.traceObjects),
    objects: expectedObjects(name),
  }));

  test.each(
    recordings.flatMap((recording) => cuts.map(([cutName, cut]) => ({ ...recording, cutName, cut }))),
  )("$name decodes to its objects, cut $cutName", ({ payload, objects, cut }) => {
    const { batches, decoder, fault } = decodeReplies(cut(payload));
    expect(fault).toBeUndefined();
    expect(readBatches(batches)).toEqual(objects.map(asRead));
    expect(linesOf(batches)).toBe(objects.map(asLine).join(""));
    expect(decoder.repliesEnded).toBe(Math.ceil(objects.length / 100));
    expect([decoder.midReply, decoder.pendingBytes]).toEqual([false, 0]);
  });

  test.each(recordings)("$name decodes to its objects, however it is cut", ({ payload, objects }) => {
    const expected = objects.map(asLine).join("");
    const run = fc.property(anyCuts, (places) => {
      expect(linesOf(decodeReplies(cutAt(payload, places)).batches)).toBe(expected);
    });
    fc.assert(run, { numRuns: 20 });
  });

  test.each(recordings)("$name cut short anywhere gives its complete objects", ({ payload, objects }) => {
    const ends = objects.map(encodeTraceObject).map((object) => object.length);
    const run = fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (place) => {
      const end = Math.floor(place * payload.length);
      const { batches, fault } = decodeReplies([payload.subarray(0, end)]);
      expect(fault).toBeUndefined();
      const whole = readBatches(batches);
      const bytes = ends.slice(0, whole.length).reduce((sum, length) => sum + length, 0);
      // Heads and breaks of replies are added.
      expect(bytes).toBeLessThanOrEqual(end);
      expect(bytes + (ends[whole.length] ?? 0) + 4 * 3).toBeGreaterThanOrEqual(end);
      expect(whole).toEqual(objects.slice(0, whole.length).map(asRead));
    });
    fc.assert(run, { numRuns: 20 });
  });
});

describe("objects", () => {
  test("come out unchanged, however they are cut and in however many replies", () => {
    const replies = fc.array(fc.array(anyTraceObject, { minLength: 1, maxLength: 4 }), { maxLength: 3 });
    const run = fc.property(replies, anyCuts, (all, places) => {
      const bytes = Buffer.concat(all.map((objects) => encodeTraceReply(objects.map(encodeTraceObject))));
      const { batches, decoder, fault } = decodeReplies(cutAt(bytes, places));
      expect(fault).toBeUndefined();
      expect(readBatches(batches)).toEqual(all.flat().map(asRead));
      expect(linesOf(batches)).toBe(all.flat().map(asLine).join(""));
      expect(decoder.repliesEnded).toBe(all.length);
    });
    fc.assert(run);
  });

  test("appended in any pieces are found by one later scan, even those before a fault", () => {
    const objects = fc.array(anyTraceObject, { minLength: 1, maxLength: 8 });
    const run = fc.property(objects, anyCuts, fc.boolean(), (all, places, isBroken) => {
      const decoder = new TraceReplyDecoder({ maxObjectBytes });
      const reply = encodeTraceReply(all.map(encodeTraceObject));
      const bytes = isBroken ? Buffer.concat([reply, hex("82 03 9f 80")]) : reply;
      for (const piece of cutAt(bytes, places)) decoder.append(piece);
      expect(decoder.take()).toBeUndefined();
      const fault = faultOf(() => decoder.scan());
      expect(fault?.code).toBe(isBroken ? "malformed" : undefined);
      expect(readBatches([decoder.take()!])).toEqual(all.map(asRead));
      expect(decoder.repliesEnded).toBe(1);
    });
    fc.assert(run);
  });

  test("can be taken as soon as they are complete", () => {
    const decoder = new TraceReplyDecoder({ maxObjectBytes });
    const taken: number[] = [];
    const pieces = [`82 03 9f ${wireObject()}`, wireObject().slice(0, 20), wireObject().slice(20), "ff"];
    for (const piece of pieces) {
      decoder.push(hex(piece));
      taken.push(decoder.take()?.length ?? 0);
    }
    expect(taken).toEqual([1, 0, 1, 0]);
    expect(decoder.repliesEnded).toBe(1);
  });

  test("stay until somebody takes them", () => {
    const { decoder } = decodeReplies([]);
    for (const byte of hex(wireReply(wireObject(), wireObject()))) decoder.push(Uint8Array.of(byte));
    expect(decoder.pendingBytes).toBeGreaterThanOrEqual(2 * hex(wireObject()).length);
    expect(readBatches([decoder.take()!])).toEqual([plainObject, plainObject]);
    expect(decoder.take()).toBeUndefined();
    expect(decoder.pendingBytes).toBe(0);
  });

  test("do not change when more bytes arrive", () => {
    const { decoder } = decodeReplies([]);
    decoder.push(hex(`82 03 9f ${wireObject()} 89 00`));
    const batch = decoder.take()!;
    const lines = batch.machineLines();
    decoder.push(hex(`${wireObject({ machine: "62 5b5d" }).slice(5)} ff`));
    expect(linesOf([decoder.take()!])).toBe("[]\n");
    expect(readBatches([batch])).toEqual([plainObject]);
    expect(Buffer.from(lines).toString()).toBe("{}\n");
    expect(batch.machineLines()).toBe(lines);
  });

  test("have the number of bytes in which they arrived", () => {
    const [batch] = decodeReplies([hex(wireReply(wireObject(), wireObject()))]).batches;
    expect(batch!.receivedBytes).toBe(3 + 2 * hex(wireObject()).length);
  });

  test("have machine lines without inner line feeds", () => {
    const machines = ["a\n\nb\n", "", "\n", "c"];
    const objects = machines.map((machine) =>
      encodeTraceObject({ ...expectedObjects("small-session")[0]!, machine }),
    );
    const { batches } = decodeReplies([encodeTraceReply(objects)]);
    expect(linesOf(batches)).toBe("a  b \n\n \nc\n");
    expect(readBatches(batches).map(({ machine }) => machine)).toEqual(machines);
  });
});

describe("a reply", () => {
  test("is in progress from its first byte to its last", () => {
    const { decoder } = decodeReplies([]);
    const states: boolean[] = [decoder.midReply];
    for (const piece of ["82", "03 9f", wireObject(), "ff"]) {
      decoder.push(hex(piece));
      decoder.take();
      states.push(decoder.midReply);
    }
    expect(states).toEqual([false, true, true, true, false]);
  });

  test.each([
    ["a definite list", `82 03 82 ${wireObject()} ${wireObject()}`, 1],
    ["longer lengths than needed", `9802 1803 9a 00000002 ${wireObject()} ${wireObject()}`, 1],
    ["several replies at once", `${wireReply(wireObject())} 82 03 81 ${wireObject()}`, 2],
  ])("may be %s", (_, bytes, replies) => {
    for (const [, cut] of cuts) {
      const { batches, decoder, fault } = decodeReplies(cut(hex(bytes)));
      expect(fault).toBeUndefined();
      expect(readBatches(batches)).toEqual([plainObject, plainObject]);
      expect(decoder.repliesEnded).toBe(replies);
      expect(decoder.midReply).toBe(false);
    }
  });

  test.each([
    ["empty and definite", "82 03 80", "unexpected-message"],
    ["empty and indefinite", "82 03 9f ff", "unexpected-message"],
    ["an indefinite message", `9f 03 9f ${wireObject()} ff ff`, "malformed"],
    ["of an unknown key", `82 04 9f ${wireObject()} ff`, "malformed"],
    ["a request", "83 01 f5 82 00 18 64", "malformed"],
    ["done", "81 02", "malformed"],
    ["a message of three", `83 03 81 ${wireObject()} 00`, "malformed"],
    ["without a list", `82 03 ${wireObject()}`, "malformed"],
    ["null", "82 03 f6", "malformed"],
    ["of a number", "82 03 9f 05 ff", "malformed"],
    ["broken off after an object of a definite list", `82 03 82 ${wireObject()} ff`, "malformed"],
    ["a text", "60", "malformed"],
    ["of a reserved length", "82 03 9c", "malformed"],
  ])("is refused as %s", (_, bytes, code) => {
    for (const [, cut] of cuts) expect(decodeReplies(cut(hex(bytes))).fault?.code).toBe(code);
  });
});

describe("a field of an object", () => {
  const day = 86_400_000_000_000n;
  test.each<[string, Parameters<typeof wireObject>[0], Partial<typeof plainObject>]>([
    ["a human text", { human: "81 62 c3a9" }, { human: "é" }],
    ["an empty human text", { human: "81 60" }, { human: "" }],
    ["a longer length of the human text", { human: "9801 7801 61" }, { human: "a" }],
    ["a longer length of the machine text", { machine: "79 0002 7b7d" }, {}],
    ["a nine-byte length of the machine text", { machine: "7b 0000000000000002 7b7d" }, {}],
    ["an empty machine text", { machine: "60" }, { machine: "" }],
    ["a definite namespace", { namespace: "82 61 61 61 62" }, { namespace: "a.b" }],
    ["an empty namespace", { namespace: "80" }, { namespace: "" }],
    ["an empty indefinite namespace", { namespace: "9f ff" }, { namespace: "" }],
    ["a namespace of one with dots", { namespace: "9f 63 612e62 ff" }, { namespace: "a.b" }],
    ["severity 0", { severity: "81 00" }, { severity: "Debug" }],
    ["severity 7", { severity: "81 07" }, { severity: "Emergency" }],
    ["a longer severity", { severity: "9801 1807" }, { severity: "Emergency" }],
    ["details 3", { details: "81 03" }, { details: "DMaximum" }],
    ["a host of bytes", { host: "42 6e31" }, {}],
    ["a host of bytes that are not UTF-8", { host: "42 6eff" }, { host: "n\ufffd" }],
    ["a longer record head", { head: "9809 1800" }, {}],
    ["a whole time, tag 1", { time: "c1 1a 66a0d0a0" }, { timestamp: 1_721_815_200_000_000_000n }],
    ["a whole time before 1970, tag 1", { time: "c1 20" }, { timestamp: -1_000_000_000n }],
    [
      "a time of 64 bits, tag 1",
      { time: "c1 1b 0000000066a0d0a0" },
      { timestamp: 1_721_815_200_000_000_000n },
    ],
    ["a double, tag 1", { time: "c1 fb 41d9a83428200000" }, { timestamp: 1_721_815_200_500_000_000n }],
    ["a double before 1970, tag 1", { time: "c1 fb bff8000000000000" }, { timestamp: -1_500_000_000n }],
    ["a single, tag 1", { time: "c1 fa 3fc00000" }, { timestamp: 1_500_000_000n }],
    ["a half, tag 1", { time: "c1 f9 3e00" }, { timestamp: 1_500_000_000n }],
    ["a small half, tag 1", { time: "c1 f9 8001" }, { timestamp: -60n }],
    ["a longer small half, tag 1", { time: "c1 f9 0300" }, { timestamp: 45_776n }],
    ["a longer tag 1", { time: "d8 01 00" }, { timestamp: 0n }],
    ["a text, tag 0", { time: timeText("2024-07-24T10:00:00Z") }, { timestamp: 1_721_815_200_000_000_000n }],
    [
      "a text with a fraction, tag 0",
      { time: timeText("2024-07-24T10:00:00.5Z") },
      { timestamp: 1_721_815_200_500_000_000n },
    ],
    [
      "a text to the picosecond, tag 0",
      { time: timeText("1970-01-01T00:00:00.123456789999Z") },
      { timestamp: 123_456_789n },
    ],
    [
      "a text of 64 bytes, tag 0",
      { time: timeText(`2024-07-24T10:00:00.${"0".repeat(43)}Z`) },
      { timestamp: 1_721_815_200_000_000_000n },
    ],
    ["a text before 1970, tag 0", { time: timeText("1969-12-31T23:59:59.5Z") }, { timestamp: -500_000_000n }],
    ["a leap day, tag 0", { time: timeText("1972-02-29T00:00:00Z") }, { timestamp: 789n * day }],
    ["a leap second, tag 0", { time: timeText("1970-01-01T23:59:60.75Z") }, { timestamp: day }],
    ["year 1, tag 0", { time: timeText("0001-01-01T00:00:00Z") }, { timestamp: -719_162n * day }],
    ["no picoseconds", { time: "d9 03e8 a2 01 01 2b 00" }, { timestamp: 1_000_000_000n }],
    ["999 picoseconds, cut", { time: "d9 03e8 a2 01 01 2b 19 03e7" }, { timestamp: 1_000_000_000n }],
    [
      "a second of picoseconds",
      { time: "d9 03e8 a2 01 01 2b 1b 000000e8d4a51000" },
      { timestamp: 2_000_000_000n },
    ],
    ["seconds before 1970", { time: "d9 03e8 a2 01 20 2b 1a 3b9aca00" }, { timestamp: -999_000_000n }],
    [
      "the last second of 64 bits",
      { time: "d9 03e8 a2 01 1b 7fffffffffffffff 2b 00" },
      { timestamp: (2n ** 63n - 1n) * 1_000_000_000n },
    ],
    [
      "longer keys of the time",
      { time: "db 00000000000003e8 b802 1801 01 38 0b 00" },
      { timestamp: 1_000_000_000n },
    ],
  ])("is accepted as %s", (_, fields, expected) => {
    for (const [, cut] of cuts) {
      const { batches, fault } = decodeReplies(cut(hex(wireReply(wireObject(fields), wireObject()))));
      expect(fault).toBeUndefined();
      expect(readBatches(batches)).toEqual([{ ...plainObject, ...expected }, plainObject]);
    }
  });

  test.each<[string, Parameters<typeof wireObject>[0], string]>([
    ["an indefinite record", { head: "9f 00" }, "malformed"],
    ["a record without its constructor number", { head: "88" }, "malformed"],
    ["a record of eight with constructor", { head: "88 00" }, "malformed"],
    ["a record of ten", { head: "8a 00" }, "malformed"],
    ["another constructor", { head: "89 01" }, "malformed"],
    ["null for the human text", { human: "f6" }, "malformed"],
    ["a bare human text", { human: "61 61" }, "malformed"],
    ["two human texts", { human: "82 61 61 61 61" }, "malformed"],
    ["an indefinite Maybe", { human: "9f ff" }, "malformed"],
    ["a human text in chunks", { human: "81 7f 61 61 ff" }, "malformed"],
    ["a human text of bytes", { human: "81 41 61" }, "malformed"],
    ["a machine text in chunks", { machine: "7f 62 7b7d ff" }, "malformed"],
    ["a machine text of bytes", { machine: "42 7b7d" }, "malformed"],
    ["no machine text", { machine: "f6" }, "malformed"],
    ["a text as namespace", { namespace: "61 61" }, "malformed"],
    ["a namespace of numbers", { namespace: "81 05" }, "malformed"],
    ["a namespace of lists", { namespace: "9f 9f 61 61 ff ff" }, "malformed"],
    ["a namespace of chunks", { namespace: "81 7f 61 61 ff" }, "malformed"],
    ["a namespace cut by a break", { namespace: "82 61 61 ff" }, "malformed"],
    ["severity 8", { severity: "81 08" }, "malformed"],
    ["severity as a plain number", { severity: "01" }, "malformed"],
    ["severity of two", { severity: "82 01 01" }, "malformed"],
    ["an indefinite severity", { severity: "9f 01 ff" }, "malformed"],
    ["details 4", { details: "81 04" }, "malformed"],
    ["details as a plain number", { details: "01" }, "malformed"],
    ["negative details", { details: "81 20" }, "malformed"],
    ["a thread of bytes", { thread: "42 3331" }, "malformed"],
    ["a thread of a number", { thread: "18 1f" }, "malformed"],
    ["a host of a number", { host: "05" }, "malformed"],
    ["a host in chunks", { host: "5f 41 61 ff" }, "malformed"],
    ["a time without tag", { time: "1a 66a0d0a0" }, "malformed"],
    ["a time of tag 2", { time: "c2 41 05" }, "malformed"],
    ["a time of tag 1001", { time: "d9 03e9 a2 01 01 2b 00" }, "malformed"],
    ["an extended time with key -9", { time: "d9 03e8 a2 01 01 28 00" }, "malformed"],
    ["an extended time with swapped keys", { time: "d9 03e8 a2 2b 00 01 01" }, "malformed"],
    ["an extended time with one key", { time: "d9 03e8 a1 01 01" }, "malformed"],
    ["an extended time with three keys", { time: "d9 03e8 a3 01 01 2b 00 00 00" }, "malformed"],
    ["an indefinite extended time", { time: "d9 03e8 bf 01 01 2b 00 ff" }, "malformed"],
    ["an extended time as a list", { time: "d9 03e8 84 01 01 2b 00" }, "malformed"],
    ["negative picoseconds", { time: "d9 03e8 a2 01 01 2b 20" }, "malformed"],
    ["seconds as a double", { time: "d9 03e8 a2 01 fb 3ff0000000000000 2b 00" }, "malformed"],
    ["seconds beyond 64 bits with sign", { time: "d9 03e8 a2 01 1b 8000000000000000 2b 00" }, "malformed"],
    ["seconds below 64 bits with sign", { time: "d9 03e8 a2 01 3b 8000000000000000 2b 00" }, "malformed"],
    ["a text of tag 1", { time: "c1 61 31" }, "malformed"],
    ["a bool of tag 1", { time: "c1 f5" }, "malformed"],
    ["a double that is not a number", { time: "c1 fb 7ff8000000000000" }, "malformed"],
    ["a half that is not a number", { time: "c1 f9 7e00" }, "malformed"],
    ["an infinite half", { time: "c1 f9 7c00" }, "malformed"],
    ["a number of tag 0", { time: "c0 05" }, "malformed"],
    ["bytes of tag 0", { time: "c0 41 31" }, "malformed"],
    ["a time with an offset", { time: timeText("2024-07-24T10:00:00+01:00") }, "malformed"],
    ["a time without zone", { time: timeText("2024-07-24T10:00:00") }, "malformed"],
    ["February 30", { time: timeText("2024-02-30T10:00:00Z") }, "malformed"],
    ["month 13", { time: timeText("2024-13-01T10:00:00Z") }, "malformed"],
    ["hour 24", { time: timeText("2024-07-24T24:00:00Z") }, "malformed"],
    ["minute 60", { time: timeText("2024-07-24T10:60:00Z") }, "malformed"],
    ["second 61", { time: timeText("2024-07-24T10:00:61Z") }, "malformed"],
    ["a time text of 65 bytes", { time: timeText(`2024-07-24T10:00:00.${"0".repeat(44)}Z`) }, "too-long"],
    ["a human text that is not UTF-8", { human: "81 62 c328" }, "invalid-utf8"],
    ["a machine text that is not UTF-8", { machine: "62 c328" }, "invalid-utf8"],
    ["a surrogate in a machine text", { machine: "63 eda080" }, "invalid-utf8"],
    ["a namespace that is not UTF-8", { namespace: "81 61 ff" }, "invalid-utf8"],
    ["a host that is not UTF-8", { host: "62 6eff" }, "invalid-utf8"],
    ["a thread that is not UTF-8", { thread: "61 80" }, "invalid-utf8"],
    [
      "a long human text that is not UTF-8 at its end",
      { human: `81 78 65 ${"61".repeat(100)} c3` },
      "invalid-utf8",
    ],
  ])("is refused as %s, and the object before it stays", (_, fields, code) => {
    for (const [, cut] of cuts) {
      const { batches, fault } = decodeReplies(
        cut(hex(wireReply(wireObject(), wireObject(fields), wireObject()))),
      );
      expect(fault?.code).toBe(code);
      expect(readBatches(batches)).toEqual([plainObject]);
      expect(linesOf(batches)).toBe("{}\n");
    }
  });

  test("is checked apart from its neighbours: two broken halves do not make valid text", () => {
    const halves = wireReply(
      wireObject(),
      wireObject({ machine: "61 c3" }),
      wireObject({ machine: "61 a9" }),
    );
    const { batches, fault } = decodeReplies([hex(halves)]);
    expect(fault).toMatchObject({ code: "invalid-utf8" });
    expect(readBatches(batches)).toEqual([plainObject]);
  });

  test("is checked in order: of two faults in one piece the first is reported", () => {
    const bytes = wireReply(
      wireObject(),
      wireObject({ machine: "61 c3" }),
      wireObject({ severity: "81 08" }),
    );
    const { batches, fault } = decodeReplies([hex(bytes)]);
    expect(fault?.code).toBe("invalid-utf8");
    expect(readBatches(batches)).toEqual([plainObject]);
  });
});

describe("an object's size", () => {
  const fits = hex(wireObject()).length;

  test.each(cuts)("may equal the limit but not exceed it by a byte, cut %s", (_, cut) => {
    const reply = cut(hex(wireReply(wireObject(), wireObject())));
    expect(decodeReplies(reply, new TraceReplyDecoder({ maxObjectBytes: fits })).fault).toBeUndefined();
    const { batches, fault } = decodeReplies(reply, new TraceReplyDecoder({ maxObjectBytes: fits - 1 }));
    expect(fault).toEqual({ code: "too-long", what: "a trace object", limit: fits - 1 });
    expect(batches).toEqual([]);
  });

  test("does not limit the size of a reply", () => {
    const reply = hex(wireReply(...Array.from({ length: 2_000 }, () => wireObject())));
    const { batches, fault } = decodeReplies(
      piecesOf(reply, 1_000),
      new TraceReplyDecoder({ maxObjectBytes: fits }),
    );
    expect(fault).toBeUndefined();
    expect(readBatches(batches)).toHaveLength(2_000);
  });

  test.each([
    ["machine text", "89 00 80 7b 1000000000000000"],
    ["human text", "89 00 81 5a 01000000".replace("5a", "7a")],
    ["namespace", "89 00 80 62 7b7d 9b 0000000100000000"],
    ["namespace segment", "89 00 80 62 7b7d 9f 7a ffffffff"],
    ["host", "89 00 80 62 7b7d 80 81 01 81 01 c1 00 7a 01000000"],
    ["host of bytes", "89 00 80 62 7b7d 80 81 01 81 01 c1 00 5a 01000000"],
    ["thread", "89 00 80 62 7b7d 80 81 01 81 01 c1 00 60 7a 01000000"],
  ])("is refused as soon as a %s announces too much", (_, object) => {
    const bytes = hex(`82 03 9f ${object}`);
    for (const [, cut] of cuts) {
      const decoder = new TraceReplyDecoder({ maxObjectBytes });
      const early = cut(bytes.subarray(0, -1));
      expect(decodeReplies(early, decoder).fault).toBeUndefined();
      expect(decodeReplies([bytes.subarray(-1)], decoder).fault?.code).toBe("too-long");
    }
  });

  test("is refused at its limit even if no list announces a length", () => {
    const endless = hex(`82 03 9f 89 00 80 60 9f ${"61 61".repeat(500)}`);
    const decoder = new TraceReplyDecoder({ maxObjectBytes: 600 });
    expect(decodeReplies([endless.subarray(0, 602)], decoder).fault).toBeUndefined();
    expect(decodeReplies([endless.subarray(602, 603)], decoder).fault?.code).toBe("too-long");
  });
});

describe("memory is proportional to the bytes received", () => {
  afterEach(() => vi.restoreAllMocks());

  /** Adds up the bytes allocated from now on. */
  function watchAllocations(): () => number {
    const allocate = vi.spyOn(Buffer, "allocUnsafe");
    return () => allocate.mock.calls.reduce((sum, [length]) => sum + length, 0);
  }

  test("an announced length allocates nothing", () => {
    const allocated = watchAllocations();
    decodeReplies([hex("82 03 9a ffffffff 89 00 80 7a 00ffff00")]);
    expect(allocated()).toBeLessThan(1_000);
  });

  test.each([
    ["byte by byte", 1],
    ["in pieces of a segment", 12_288],
  ])("a huge object that arrives %s is not copied repeatedly", (_, pieceBytes) => {
    const allocated = watchAllocations();
    const machine = `7a 00080000 ${"61".repeat(0x80000)}`;
    const reply = hex(wireReply(wireObject(), wireObject({ machine })));
    const { batches, fault } = decodeReplies(piecesOf(reply, pieceBytes));
    expect(fault).toBeUndefined();
    expect(readBatches(batches)).toHaveLength(2);
    expect(allocated()).toBeLessThan(8 * reply.length);
  });

  test("a reply of thousands of objects of 3 kB is never held whole", () => {
    const object = wireObject({ machine: `79 0bb8 ${"61".repeat(3_000)}` });
    const bytes = hex(object);
    const decoder = new TraceReplyDecoder({ maxObjectBytes });
    decoder.push(hex("82 03 9f"));
    let most = 0;
    let objects = 0;
    for (let sent = 0; sent < 3_000; sent += 1) {
      for (const piece of piecesOf(bytes, 1_000)) {
        decoder.push(piece);
        most = Math.max(most, decoder.pendingBytes);
        objects += decoder.take()?.length ?? 0;
      }
    }
    decoder.push(hex("ff"));
    expect([objects, decoder.repliesEnded]).toEqual([3_000, 1]);
    expect(most).toBeLessThan(2 * bytes.length);
  });
});

describe("bytes that have not arrived yet", () => {
  afterEach(() => vi.restoreAllMocks());

  test("are never read, whatever the memory holds in their place", () => {
    const times = ["c1 1a 66a0d0a0", "c1 fb 41d9a83428200000", timeText("2024-07-24T10:00:00Z")];
    const objects = times.map((time) => wireObject({ time, human: "81 61 68", namespace: "82 61 61 61 62" }));
    const bytes = hex(`82 03 83 ${objects.join(" ")} ${wireReply(wireObject(), wireObject())}`);
    const expected = readBatches(decodeReplies([bytes]).batches);
    expect(expected).toHaveLength(5);
    const allocate = vi.spyOn(Buffer, "allocUnsafe");
    for (let junk = 0; junk < 256; junk += 1) {
      allocate.mockImplementation((size) => Buffer.alloc(size, junk));
      const { batches, fault } = decodeReplies(piecesOf(bytes, 1));
      expect({ junk, fault, objects: readBatches(batches) }).toEqual({ junk, objects: expected });
    }
  });
});

test("two pieces taken together give every line, even before a broken one", () => {
  const decoder = new TraceReplyDecoder({ maxObjectBytes });
  const sound = [wireObject({ machine: "61 61" }), wireObject({ machine: "63 62 0a 62" })].join(" ");
  decoder.push(hex(`82 03 9f ${sound}`));
  decoder.push(hex(sound));
  const broken = `${sound} ${wireObject({ machine: "62 c328" })}`;
  expect(faultOf(() => decoder.push(hex(broken)))?.code).toBe("invalid-utf8");
  expect(linesOf([decoder.take()!])).toBe("a\nb b\n".repeat(3));
});

test("the decoder reports the number of objects in the last complete reply", () => {
  const decoder = new TraceReplyDecoder({ maxObjectBytes });
  const three = wireReply(wireObject(), wireObject(), wireObject());
  expect(decoder.objectsInLastReply).toBe(0);
  decoder.push(hex(`${three} 82 03 82 ${wireObject()}`));
  expect(decoder.objectsInLastReply).toBe(3);
  decoder.push(hex(wireObject()));
  expect(decoder.objectsInLastReply).toBe(2);
});

test.each([
  ["of the usual form", { head: "89 00" }],
  ["of another form", { head: "9809 1800" }],
])("an object %s may be as long as the limit, and not a byte longer", (_, fields) => {
  const object = wireObject({ ...fields, thread: `78 40 ${"61".repeat(64)}` });
  const reply = hex(wireReply(object, object));
  const { length } = hex(object);
  for (const [, cut] of cuts) {
    const taken = decodeReplies(cut(reply), new TraceReplyDecoder({ maxObjectBytes: length }));
    expect([taken.fault, readBatches(taken.batches).length]).toEqual([undefined, 2]);
    const refused = decodeReplies(cut(reply), new TraceReplyDecoder({ maxObjectBytes: length - 1 }));
    expect([refused.fault?.code, refused.batches]).toEqual(["too-long", []]);
  }
});

test("after a fault every further piece fails too, and nothing is taken twice", () => {
  const decoder = new TraceReplyDecoder({ maxObjectBytes });
  expect(faultOf(() => decoder.push(hex(`82 03 9f ${wireObject()} 05`)))?.code).toBe("malformed");
  expect(decoder.take()?.length).toBe(1);
  expect(decoder.take()).toBeUndefined();
  expect(() => decoder.push(hex(wireObject()))).toThrow(ProtocolError);
  expect(decoder.take()).toBeUndefined();
});

function timeText(text: string): string {
  const length = Buffer.byteLength(text).toString(16).padStart(2, "0");
  return `c0 78 ${length} ${Buffer.from(text).toString("hex")}`;
}
