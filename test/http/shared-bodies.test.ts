import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Body, bodyOf } from "../../src/http/body.js";
import { SharedBodies } from "../../src/http/shared-bodies.js";

let shared: SharedBodies;
let rendered: number;
const render = async (): Promise<Body> => {
  rendered += 1;
  return bodyOf(`${rendered}`, { gzip: false });
};

beforeEach(() => {
  vi.useFakeTimers();
  shared = new SharedBodies();
  rendered = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

test("those who ask while a body is being rendered get the same one", async () => {
  const bodies = await Promise.all([1, 2, 3].map(() => shared.get("/metrics", undefined, render)));
  expect(new Set(bodies).size).toBe(1);
  expect(rendered).toBe(1);
});

test("without a version the next one who asks gets a new body", async () => {
  await shared.get("/metrics", undefined, render);
  await shared.get("/metrics", undefined, render);
  expect(rendered).toBe(2);
});

test("with the same version the body serves for a second", async () => {
  const first = await shared.get("/node", 7, render);
  vi.advanceTimersByTime(999);
  expect(await shared.get("/node", 7, render)).toBe(first);
  vi.advanceTimersByTime(1);
  expect(await shared.get("/node", 7, render)).not.toBe(first);
});

test.each([
  ["another version", "/node", 8],
  ["another key", "/other", 7],
])("%s is another body", async (_, key, version) => {
  const first = await shared.get("/node", 7, render);
  expect(await shared.get(key, version, render)).not.toBe(first);
});

test("a rendering that failed is not kept", async () => {
  const failed = shared.get("/node", 7, () => Promise.reject(new Error("broken")));
  await expect(failed).rejects.toThrow("broken");
  await shared.get("/node", 7, render);
  expect(rendered).toBe(1);
});
