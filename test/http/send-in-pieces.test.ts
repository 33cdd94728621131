import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { beforeEach, expect, test } from "vitest";
import { sendInPieces } from "../../src/http/send-in-pieces.js";

/** An answer whose reader accepts what is written at once, or when the test says so. */
class FakeResponse extends EventEmitter {
  readonly written: string[] = [];
  isReading = true;
  isEnded = false;

  write(piece: Buffer): boolean {
    this.written.push(piece.toString());
    return this.isReading;
  }

  end(piece?: Buffer): void {
    if (piece !== undefined) this.written.push(piece.toString());
    this.isEnded = true;
  }
}

let response: FakeResponse;
const send = (...pieces: string[]) =>
  sendInPieces(
    response as unknown as ServerResponse,
    pieces.map((piece) => Buffer.from(piece)),
  );

beforeEach(() => {
  response = new FakeResponse();
});

test("a body of one piece, or of none, is sent at once", () => {
  send("a");
  expect(response).toMatchObject({ written: ["a"], isEnded: true });
  response = new FakeResponse();
  send();
  expect(response).toMatchObject({ written: [], isEnded: true });
});

test("a large body is sent one piece at a time, however quickly it is read", async () => {
  send("a", "b", "c");
  expect(response).toMatchObject({ written: ["a"], isEnded: false });
  const seen = new Set<number>();
  while (!response.isEnded) {
    await new Promise(setImmediate);
    seen.add(response.written.length);
  }
  expect(response.written).toEqual(["a", "b", "c"]);
  expect(seen).toContain(2);
});

test("the next piece waits until the previous one is sent", async () => {
  response.isReading = false;
  send("a", "b");
  for (let i = 0; i < 10; i += 1) await new Promise(setImmediate);
  expect(response).toMatchObject({ written: ["a"], isEnded: false });
  response.emit("drain");
  await expect.poll(() => response.isEnded).toBe(true);
  expect(response.written).toEqual(["a", "b"]);
});
