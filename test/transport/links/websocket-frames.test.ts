import { once } from "node:events";
import { createRequire } from "node:module";
import type { Writable } from "node:stream";
import { expect, test } from "vitest";
import {
  type FrameError,
  headOfMessage,
  WebSocketFrames,
} from "../../../src/transport/links/websocket-frames.js";

/** What frames carried, pieces of messages joined; pings before them, for nobody waits for their order. */
function takeApart(sender: "client" | "server", pieces: readonly Buffer[]) {
  const events: string[] = [];
  let data = "";
  const tell = (what: string) => {
    if (data !== "") events.push(`data ${data}`);
    data = "";
    events.push(what);
  };
  const frames = new WebSocketFrames(sender, {
    data: (piece) => {
      data += piece.toString("latin1");
    },
    empty: () => tell("empty"),
    ping: (payload) => events.push(`ping ${payload}`),
    close: () => tell("close"),
  });
  try {
    for (const piece of pieces) frames.push(Buffer.from(piece));
    tell("end");
  } catch (error) {
    tell(`${(error as FrameError).code}`);
  }
  return events;
}

const operations = { rest: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10, unknown: 11 };

function frame(
  operation: keyof typeof operations,
  payload: string,
  { mask, isFinal = true, reserved = 0 }: { mask?: Buffer; isFinal?: boolean; reserved?: number } = {},
): Buffer {
  const bytes = Buffer.from(payload, "latin1");
  const { length } = bytes;
  const extra = length < 126 ? Buffer.alloc(0) : Buffer.alloc(length < 65_536 ? 2 : 8);
  if (extra.length === 2) extra.writeUInt16BE(length);
  if (extra.length === 8) extra.writeBigUInt64BE(BigInt(length));
  const shown = extra.length === 0 ? length : extra.length === 2 ? 126 : 127;
  const first = (isFinal ? 0x80 : 0) | reserved | operations[operation];
  const head = Buffer.from([first, shown | (mask === undefined ? 0 : 0x80)]);
  const masked = bytes.map((byte, at) => byte ^ (mask?.[at % 4] ?? 0));
  return Buffer.concat([head, extra, mask ?? Buffer.alloc(0), masked]);
}

const masks = { random: Buffer.from([0x12, 0x34, 0x56, 0x78]), zero: Buffer.alloc(4) };
const long = "long ".repeat(20_000);

test.each([
  ["server", undefined],
  ["client", masks.random],
  ["client", masks.zero],
] as const)(
  "what a %s sends, masked with %o, is received whole, byte by byte and cut anywhere",
  (sender, mask) => {
    const options = mask === undefined ? {} : { mask };
    const bytes = Buffer.concat([
      frame("binary", "one", options),
      frame("ping", "are you there", options),
      frame("binary", "two, ", { ...options, isFinal: false }),
      frame("ping", "", options),
      frame("rest", "and the rest", options),
      frame("pong", "nobody asked", options),
      frame("binary", long, options),
      frame("binary", "x".repeat(300), options),
      frame("binary", "", options),
      frame("binary", "", { ...options, isFinal: false }),
      frame("rest", "", options),
      frame("close", "\x03\xe8", options),
    ]);
    const expected = [
      "ping are you there",
      "ping ",
      `data onetwo, and the rest${long}${"x".repeat(300)}`,
      "empty",
      "empty",
      "close",
      "end",
    ];
    expect(takeApart(sender, [bytes])).toEqual(expected);
    expect(
      takeApart(
        sender,
        Array.from(bytes, (byte) => Buffer.from([byte])),
      ),
    ).toEqual(expected);
    for (let cut = 1; cut < 60; cut += 1)
      expect(takeApart(sender, [bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(expected);
  },
);

test("short messages that come together are handed on together", () => {
  const pieces: string[] = [];
  const frames = new WebSocketFrames("client", {
    data: (bytes) => pieces.push(bytes.toString()),
    empty: () => {},
    ping: () => {},
    close: () => {},
  });
  const letters = Array.from("abcdefgh", (letter) => frame("binary", letter, { mask: masks.random }));
  frames.push(Buffer.concat([...letters, frame("ping", "", { mask: masks.random }), ...letters]));
  expect(pieces).toEqual(["abcdefghabcdefgh"]);
});

test("no message is held until it is whole", () => {
  const whole = frame("binary", long);
  expect(takeApart("server", [whole.subarray(0, 50_000)])).toEqual([
    `data ${long.slice(0, 50_000 - 10)}`,
    "end",
  ]);
});

test.each([
  ["a text", "server", frame("text", "words"), "1003"],
  ["an extension", "server", frame("binary", "x", { reserved: 0x40 }), "1002"],
  ["a mask of a server", "server", frame("binary", "x", { mask: masks.random }), "1002"],
  ["no mask of a client", "client", frame("binary", "xxxxx"), "1002"],
  ["an unknown operation", "server", frame("unknown", "x"), "1002"],
  ["the rest of nothing", "server", frame("rest", "x"), "1002"],
  ["a ping in parts", "server", frame("ping", "x", { isFinal: false }), "1002"],
  ["a ping too long", "server", frame("ping", "x".repeat(126)), "1002"],
  ["a length beyond all numbers", "server", Buffer.from("827fffffffffffffffff", "hex"), "1009"],
] as const)("%s ends the stream, after the data before it", (_, sender, bad, code) => {
  const good = frame("binary", "good", sender === "client" ? { mask: masks.random } : {});
  expect(takeApart(sender, [Buffer.concat([good, bad])])).toEqual(["data good", code]);
});

test("a message within a message ends the stream", () => {
  const bytes = Buffer.concat([frame("binary", "one", { isFinal: false }), frame("binary", "two")]);
  expect(takeApart("server", [bytes])).toEqual(["data one", "1002"]);
});

/** The library's own reader, which its types leave out. */
const { Receiver } = createRequire(import.meta.url)("ws") as {
  Receiver: new (options: { isServer: boolean }) => Writable;
};

test.each([0, 1, 125, 126, 65_535, 65_536, 100_000])(
  "the head of a message of %d bytes is understood by this reader and by the library",
  async (length) => {
    const payload = "x".repeat(length);
    for (const sender of ["client", "server"] as const) {
      const message = Buffer.concat([headOfMessage(length, sender), Buffer.from(payload)]);
      const events = length === 0 ? ["empty", "end"] : [`data ${payload}`, "end"];
      expect(takeApart(sender, [message])).toEqual(events);
      const receiver = new Receiver({ isServer: sender === "client" });
      const received = once(receiver, "message");
      receiver.write(message);
      expect(((await received)[0] as Buffer).toString()).toBe(payload);
    }
  },
);
