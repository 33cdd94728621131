import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ItemScanner } from "../../src/protocol/item-scanner.js";
import { MessageAssembler } from "../../src/protocol/message-assembler.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { anyCuts, cutAt, cuts, faultOf, hex, payloadOf, piecesOf } from "./streams.js";
import { readVector } from "./vectors.js";

function assembled(pieces: readonly Uint8Array[], assembler = newAssembler()): string[] {
  const messages = pieces.flatMap((piece) =>
    [...assembler.push(piece)].map((message) => Buffer.from(message)),
  );
  return messages.map((message) => message.toString("hex"));
}

function newAssembler(limits: { maxBytes?: number; maxDepth?: number } = {}): MessageAssembler {
  return new MessageAssembler({ what: "a message", maxBytes: 1_000, ...limits });
}

/** Any well-formed item, nested up to four levels. */
const { item } = fc.letrec<{ item: string }>((tie) => ({
  item: fc.oneof(
    { depthSize: "small", maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(
      "00",
      "17",
      "1818",
      "190100",
      "1a00010000",
      "1b0000000100000000",
      "20",
      "3863",
      "f6",
      "f5",
    ),
    fc.constantFrom(
      "f90000",
      "fa00000000",
      "fb0000000000000000",
      "40",
      "43010203",
      "60",
      "6161",
      "790003616263",
    ),
    fc.constantFrom("5f4101420203ff", "7f6161ff", "5fff", "80", "a0", "9fff", "bfff", "c100", "d903e800"),
    fc.array(tie("item"), { maxLength: 20 }).map((items) => `98${byteHex(items.length)}${items.join("")}`),
    fc.array(tie("item"), { maxLength: 5 }).map((items) => `9f${items.join("")}ff`),
    fc
      .array(tie("item"), { maxLength: 3 })
      .map((items) => `b8${byteHex(items.length)}${items.map((value) => `00${value}`).join("")}`),
    tie("item").map((inside) => `d820${inside}`),
  ),
}));

function byteHex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

describe("assembling messages", () => {
  test("messages come out unchanged, however they are cut", () => {
    const messages = fc.array(
      fc.array(item, { maxLength: 4 }).map((items) => `8${items.length}${items.join("")}`),
      {
        maxLength: 4,
      },
    );
    fc.assert(
      fc.property(messages, anyCuts, (all, places) => {
        const assembler = newAssembler({ maxBytes: 1_000_000 });
        expect(assembled(cutAt(hex(all.join("")), places), assembler)).toEqual(all);
        expect(assembler.midMessage).toBe(false);
      }),
    );
  });

  test.each(cuts)("recorded answers come out unchanged, cut %s", (_, cut) => {
    const payload = payloadOf(readVector("metrics-all", "forwarder"), miniProtocols.metrics);
    const messages = assembled(cut(payload));
    expect(messages).toHaveLength(14);
    expect(messages.join("")).toBe(Buffer.from(payload).toString("hex"));
  });

  test("the assembler is mid-message from the first byte of a message to its last", () => {
    const assembler = newAssembler();
    const states = ["82", "01", "61", "61"].map((byte) => {
      assembled([hex(byte)], assembler);
      return assembler.midMessage;
    });
    expect(states).toEqual([true, true, true, false]);
  });

  test("messages not yet read come out at the next call", () => {
    const assembler = newAssembler();
    for (const first of assembler.push(hex("8101 8102 81"))) {
      expect(Buffer.from(first).toString("hex")).toBe("8101");
      break;
    }
    expect(assembled([hex("03")], assembler)).toEqual(["8102", "8103"]);
  });

  test("a message already returned does not change when more bytes arrive", () => {
    const assembler = newAssembler();
    const [message] = [...assembler.push(hex("8141aa 81"))];
    assembled([hex("41bb 8141cc 8141dd")], assembler);
    expect(Buffer.from(message!).toString("hex")).toBe("8141aa");
  });
});

describe("bytes that cannot become a message are refused at once", () => {
  test.each([
    ["a text that announces 2^60 bytes", "817b1000000000000000", "too-long"],
    ["bytes that announce one too many", "815903e6", "too-long"],
    ["an array that announces 2^40 items", "819b0000010000000000", "too-long"],
    ["a map that announces 500 entries", "81b901f4", "too-long"],
    ["an array as the message that announces 1,000 items", "9903e8", "too-long"],
    ["17 levels of arrays", "81".repeat(17), "too-deep"],
    ["17 levels of indefinite arrays", `81${"9f".repeat(16)}`, "too-deep"],
    ["17 levels of tags", `81${"c1".repeat(16)}`, "too-deep"],
    ["an indefinite array as the message", "9f", "malformed"],
    ["a map as the message", "a1", "malformed"],
    ["a number as the message", "00", "malformed"],
    ["a break as the message", "ff", "malformed"],
    ["a break inside a definite array", "82ff", "malformed"],
    ["a break after a tag", "819fc1ff", "malformed"],
    ["a reserved length", "811c", "malformed"],
    ["an indefinite number", "811f", "malformed"],
    ["an indefinite tag", "81df", "malformed"],
  ])("%s", (_, bytes, code) => {
    for (const [, cut] of cuts) {
      const pieces = cut(hex(bytes));
      const assembler = newAssembler();
      expect(faultOf(() => assembled(pieces.slice(0, -1), assembler))).toBeUndefined();
      expect(faultOf(() => assembled(pieces.slice(-1), assembler))?.code).toBe(code);
    }
  });

  test.each([
    ["a text that just fits", `817903e4${"61".repeat(996)}`],
    ["16 levels", `${"81".repeat(16)}00`],
    ["an array of as many items as fit", `9903e5${"00".repeat(997)}`],
  ])("%s is accepted", (_, bytes) => {
    for (const [, cut] of cuts) expect(assembled(cut(hex(bytes)))).toEqual([bytes]);
  });

  test("an endless message is refused at its limit", () => {
    const assembler = newAssembler();
    const endless = piecesOf(hex(`9900ff 9f ${"9f00ff".repeat(400)}`), 1);
    expect(faultOf(() => assembled(endless.slice(0, 1_000), assembler))).toBeUndefined();
    expect(faultOf(() => assembled(endless.slice(1_000, 1_003), assembler))).toEqual({
      code: "too-long",
      what: "a message",
      limit: 1_000,
    });
  });

  test("messages before a fault are returned", () => {
    const assembler = newAssembler();
    const messages: string[] = [];
    const fault = faultOf(() => {
      for (const message of assembler.push(hex("8101 8102 00")))
        messages.push(Buffer.from(message).toString("hex"));
    });
    expect(messages).toEqual(["8101", "8102"]);
    expect(fault?.code).toBe("malformed");
  });
});

describe("work and memory are proportional to the bytes received", () => {
  afterEach(() => vi.restoreAllMocks());

  const messageBytes = 100_000;

  test("each byte of a message that arrives byte by byte is read only a few times", () => {
    let reads = 0;
    const bytes = hex(`9f${"8161616100".repeat(messageBytes / 5)}ff`);
    const counted = new Proxy(bytes, {
      get(target, key) {
        reads += 1;
        return Reflect.get(target, key, target);
      },
    });
    const scanner = new ItemScanner({ what: "an item", maxBytes: bytes.length });
    for (let end = 1; end < bytes.length; end += 1) scanner.scan(counted, end);
    expect(scanner.scan(counted, bytes.length)).toBe(bytes.length);
    expect(reads).toBeLessThan(4 * bytes.length);
  });

  test("a message that arrives byte by byte is not copied repeatedly", () => {
    const allocate = vi.spyOn(Buffer, "allocUnsafe");
    const message = hex(`815a${messageBytes.toString(16).padStart(8, "0")}${"00".repeat(messageBytes)}`);
    expect(assembled(piecesOf(message, 1), newAssembler({ maxBytes: 2 * messageBytes }))).toHaveLength(1);
    const allocated = allocate.mock.calls.reduce((sum, [length]) => sum + length, 0);
    expect(allocated).toBeLessThan(4 * message.length);
  });

  test("an announced length allocates nothing", () => {
    const allocate = vi.spyOn(Buffer, "allocUnsafe");
    expect(assembled([hex("815a3fffff00")], newAssembler({ maxBytes: 2 ** 30 }))).toEqual([]);
    const allocated = allocate.mock.calls.reduce((sum, [length]) => sum + length, 0);
    expect(allocated).toBeLessThan(100);
  });
});
