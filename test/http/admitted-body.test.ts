import { PassThrough } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Admission } from "../../src/http/admission.js";
import { readBody, unpacked } from "../../src/http/admitted-body.js";

const unpacking = vi.hoisted(() => [] as { readonly destroyed: boolean }[]);
vi.mock("node:zlib", async (original) => {
  const module = await original<typeof import("node:zlib")>();
  const createGunzip: typeof module.createGunzip = (options) => {
    const made = module.createGunzip(options);
    unpacking.push(made);
    return made;
  };
  return { ...module, createGunzip };
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function place() {
  return new Admission({ maxBytes: 1_000_000, requestBytes: 1 }).enter()!;
}

test("a body has half a minute to arrive", async () => {
  const stream = new PassThrough();
  let outcome: unknown;
  const read = readBody(stream, 1_000, place()).then((body) => {
    outcome = body;
  });
  stream.write("a part");
  await vi.advanceTimersByTimeAsync(29_999);
  expect(outcome).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  await read;
  expect(outcome).toBe("late");
});

test.each([
  ["is whole", (stream: PassThrough) => stream.end("all of it"), "all of it"],
  ["is too large", (stream: PassThrough) => stream.end("x".repeat(2_000)), "too-large"],
  ["is cut off", (stream: PassThrough) => stream.destroy(), "cut-off"],
])("a body that %s leaves no timer", async (_, end, expected) => {
  const stream = new PassThrough();
  const read = readBody(stream, 1_000, place());
  end(stream);
  expect((await read).toString()).toBe(expected);
  expect(vi.getTimerCount()).toBe(0);
});

test("a body that is too large to unpack is unpacked no further", async () => {
  expect(await unpacked(gzipSync(Buffer.alloc(1_000_000)), 200_000, place())).toBe("too-large");
  expect(unpacking.map(({ destroyed }) => destroyed)).toEqual([true]);
});
