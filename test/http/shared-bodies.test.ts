import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BodyBudget, type Rendering } from "../../src/http/body-budget.js";
import { SharedBodies, type Wanted } from "../../src/http/shared-bodies.js";

let shared: SharedBodies;
let budget: BodyBudget;
let rendered: number;

interface Changes extends Partial<Pick<Rendering, "pieces">> {
  readonly gzip?: boolean;
}

const count = () => {
  rendered += 1;
  return [`${rendered}`].values();
};

const wanted = (
  key: string,
  version: number | undefined,
  { gzip = false, pieces = count }: Changes = {},
): Wanted => ({ key, version, gzip, make: () => ({ bytes: 10, pieces }) });

/** Renders what is requested, in turns of the event loop. */
async function get(key: string, version: number | undefined, changes: Changes = {}) {
  return shared.get(wanted(key, version, changes));
}

beforeEach(() => {
  // Turns of the event loop are real ones.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  budget = new BodyBudget({ maxBytes: 1_000 });
  shared = new SharedBodies(budget);
  rendered = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

test("requests during the rendering of a body share it", async () => {
  const bodies = await Promise.all([1, 2, 3].map(() => get("/metrics", undefined)));
  expect(new Set(bodies).size).toBe(1);
  expect(rendered).toBe(1);
});

test("the contents of a body that exists already are not even prepared", async () => {
  await get("/node", 7);
  const make = () => {
    throw new Error("looked for");
  };
  await expect(shared.get({ key: "/node", version: 7, gzip: false, make })).resolves.toBeDefined();
});

test("without a version the next request gets a new body", async () => {
  await get("/metrics", undefined);
  await get("/metrics", undefined);
  expect(rendered).toBe(2);
});

test("with the same version a body is shared for a second", async () => {
  const first = await get("/node", 7);
  vi.advanceTimersByTime(999);
  expect(await get("/node", 7)).toBe(first);
  vi.advanceTimersByTime(1);
  expect(await get("/node", 7)).not.toBe(first);
});

test("a kept body counts until it is forgotten", async () => {
  const long = { pieces: () => ["x".repeat(2_000)].values() };
  await get("/node", 7, long);
  expect(budget.isExceeded).toBe(true);
  vi.advanceTimersByTime(1_000);
  expect(budget.isExceeded).toBe(false);
});

test.each<[string, string, number, boolean]>([
  ["another version", "/node", 8, false],
  ["another key", "/other", 7, false],
  ["another packing", "/node", 7, true],
])("%s gets another body", async (_, key, version, gzip) => {
  const first = await get("/node", 7);
  expect(await get(key, version, { gzip })).not.toBe(first);
});

test("a failed rendering is not kept", async () => {
  const failed = shared.get(
    wanted("/node", 7, {
      pieces: () => {
        throw new Error("broken");
      },
    }),
  );
  const outcome = expect(failed).rejects.toThrow("broken");
  await outcome;
  await get("/node", 7);
  expect(rendered).toBe(1);
});
