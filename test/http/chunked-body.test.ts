import { expect, test } from "vitest";
import { ChunkedBody } from "../../src/http/chunked-body.js";

const bodies: readonly (readonly [what: string, body: string])[] = [
  ["nothing", "0\r\n\r\n"],
  ["one chunk", "5\r\nhello\r\n0\r\n\r\n"],
  ["chunks that look like ends of bodies", "5\r\n0\r\n\r\n\r\n7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"],
  [
    "lengths of several digits, in either case",
    `1A\r\n${"x".repeat(26)}\r\n1a\r\n${"y".repeat(26)}\r\n000\r\n\r\n`,
  ],
  ["extensions", '5;name="0"\r\nhello\r\n0;last\r\n\r\n'],
  ["trailers", "5\r\nhello\r\n0\r\nChecksum: 0\r\nOther: a\r\n\r\n"],
];

test.each(bodies)("the end of %s is found wherever the bytes are cut", (_, body) => {
  const next = "POST / HTTP/1.1\r\n";
  const bytes = Buffer.from(body + next);
  for (let size = 1; size <= bytes.length; size += 1) {
    const chunked = new ChunkedBody();
    let end = 0;
    for (let at = 0; at < bytes.length && !chunked.isOver; at += size) {
      const piece = bytes.subarray(at, at + size);
      const taken = chunked.endIn(piece);
      expect(taken === piece.length || chunked.isOver).toBe(true);
      end += taken;
    }
    expect([size, end, chunked.isOver]).toEqual([size, body.length, true]);
  }
});

test.each(bodies)("%s that is cut off has no end", (_, body) => {
  const bytes = Buffer.from(body);
  for (let length = 0; length < bytes.length; length += 1) {
    const chunked = new ChunkedBody();
    expect(chunked.endIn(bytes.subarray(0, length))).toBe(length);
    expect(chunked.isOver).toBe(false);
  }
});
