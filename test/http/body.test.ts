import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bodyOf, renderBody } from "../../src/http/body.js";
import { GzipStream } from "../../src/http/gzip-stream.js";

test("gzip of any pieces unpacks to the pieces joined", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 2_000 })), (pieces) => {
      const gzip = new GzipStream();
      const packed = [gzip.begin(), ...pieces.map((piece) => gzip.push(piece)), gzip.end()];
      expect(gunzipSync(Buffer.concat(packed)).equals(Buffer.concat(pieces))).toBe(true);
    }),
  );
});

test.each([true, false])("a text of many chunks is received whole (gzip: %s)", async (gzip) => {
  const line = `${"😀 und €\n".repeat(1_000)}${randomBytes(3_000).toString("hex")}`;
  const pieces = (function* () {
    for (let i = 0; i < 50; i += 1) yield line;
  })();
  const body = await renderBody(pieces, { gzip });
  const bytes = Buffer.concat(body.chunks);
  expect(body.bytes).toBe(bytes.length);
  expect(body.encoding).toBe(gzip ? "gzip" : "identity");
  expect((gzip ? gunzipSync(bytes) : bytes).toString()).toBe(line.repeat(50));
  expect(body.chunks.length).toBeGreaterThan(5);
});

test("long rendering does not block the event loop", async () => {
  let turns = 0;
  const ticking = setInterval(() => {
    turns += 1;
  });
  let pieces = 0;
  // Ends only if something else ran between two pieces.
  await renderBody(
    (function* () {
      while (turns < 3) {
        pieces += 1;
        yield "x";
      }
    })(),
    { gzip: false },
  );
  clearInterval(ticking);
  expect(pieces).toBeGreaterThan(0);
});

test("an empty text is an empty body, compressed or not", () => {
  expect(bodyOf("", { gzip: false }).bytes).toBe(0);
  expect(gunzipSync(Buffer.concat(bodyOf("", { gzip: true }).chunks)).length).toBe(0);
});
