import { once } from "node:events";
import { duplexPair } from "node:stream";
import { expect, test } from "vitest";
import { MiniProtocolWriter } from "../../src/nodes/mini-protocol-writer.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { Demux } from "../../src/protocol/mux.js";

test("a message repeated several times is written as that number of segments, in one write", async () => {
  const [ours, theirs] = duplexPair();
  const writer = new MiniProtocolWriter(ours, "listener", () => {});
  writer.send(miniProtocols.traceObjects, Uint8Array.of(1, 2, 3), 4);
  const [chunk] = (await once(theirs, "data")) as [Uint8Array];
  const messages: unknown[] = [];
  new Demux("listener").push(chunk, (miniProtocol, payload) => messages.push([miniProtocol, [...payload]]));
  expect(messages).toEqual(Array.from({ length: 4 }, () => [miniProtocols.traceObjects, [1, 2, 3]]));
});
