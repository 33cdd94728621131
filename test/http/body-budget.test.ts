import { beforeEach, expect, test } from "vitest";
import { type Body, bodyOf } from "../../src/http/body.js";
import { BodyBudget } from "../../src/http/body-budget.js";

let budget: BodyBudget;
/** Keys of the bodies whose rendering has begun, in order. */
let begun: string[];
beforeEach(() => {
  budget = new BodyBudget({ maxBytes: 1_000 });
  begun = [];
});

const bodyWith = (bytes: number): Body => bodyOf("x".repeat(bytes), { gzip: false });

/** A body that takes turns of the event loop until the test lets it finish. */
function slow(key: string, bytes: number) {
  let isOver = false;
  const body = budget.render({
    bytes,
    gzip: false,
    pieces: function* () {
      begun.push(key);
      while (!isOver) yield "";
      yield key;
    },
  });
  return {
    body,
    end: () => {
      isOver = true;
      return body;
    },
  };
}

async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise(setImmediate);
}

test("bodies are rendered at the same time as long as all have room", async () => {
  const all = [slow("a", 400), slow("b", 400), slow("c", 400)];
  await expect.poll(() => begun).toEqual(["a", "b"]);
  await turns();
  expect(begun).toEqual(["a", "b"]);
  await all[0]!.end();
  await expect.poll(() => begun).toEqual(["a", "b", "c"]);
  for (const { end } of all) await end();
});

test("bodies are rendered in the order of the requests: a large one does not wait forever", async () => {
  const all = [slow("a", 600), slow("large", 900), slow("small", 10)];
  await expect.poll(() => begun).toEqual(["a"]);
  await turns();
  expect(begun).toEqual(["a"]);
  await all[0]!.end();
  await expect.poll(() => begun).toEqual(["a", "large", "small"]);
  for (const { end } of all) await end();
});

test("a body larger than the budget is rendered alone", async () => {
  const small = slow("small", 10);
  const huge = slow("huge", 5_000);
  const other = slow("other", 10);
  await expect.poll(() => begun).toEqual(["small"]);
  await small.end();
  await expect.poll(() => begun).toEqual(["small", "huge"]);
  await turns();
  expect(begun).toEqual(["small", "huge"]);
  await huge.end();
  await expect.poll(() => begun).toEqual(["small", "huge", "other"]);
  await other.end();
});

test("bodies still in use leave less room, and each counts once", async () => {
  const held = bodyWith(900);
  for (let i = 0; i < 5; i += 1) budget.hold(held);
  expect(budget.isExceeded).toBe(false);
  const waiting = slow("a", 200);
  await turns();
  expect(begun).toEqual([]);
  for (let i = 0; i < 4; i += 1) budget.release(held);
  await turns();
  expect(begun).toEqual([]);
  budget.release(held);
  await expect.poll(() => begun).toEqual(["a"]);
  await waiting.end();
});

test("while a request waits for room, readers that hold it are asked repeatedly to release it", async () => {
  const held = bodyWith(900);
  budget.hold(held);
  let pressed = 0;
  budget.whenShort(() => {
    pressed += 1;
    if (pressed === 3) budget.release(held);
  });
  const waiting = slow("a", 200);
  await expect.poll(() => begun).toEqual(["a"]);
  expect(pressed).toBe(3);
  await waiting.end();
});

test("a request is refused while 64 wait, and room is free again later", async () => {
  const first = slow("first", 1_000);
  await expect.poll(() => begun).toEqual(["first"]);
  const waiting = Array.from({ length: 64 }, (_, i) => slow(`${i}`, 1));
  expect(await slow("too many", 1).body).toBeUndefined();
  await first.end();
  for (const { end } of waiting) expect((await end())?.bytes).toBeGreaterThan(0);
  const last = slow("last", 1_000);
  await expect.poll(() => begun.at(-1)).toBe("last");
  await last.end();
});

test("a body that cannot be rendered leaves its room to others", async () => {
  const failing = budget.render({
    bytes: 1_000,
    gzip: false,
    pieces: () => {
      throw new Error("broken");
    },
  });
  await expect(failing).rejects.toThrow("broken");
  const next = slow("next", 1_000);
  await expect.poll(() => begun).toEqual(["next"]);
  await next.end();
});

test("releasing a body more often than it was held does not reduce the count further", () => {
  const held = bodyWith(600);
  budget.hold(held);
  budget.release(held);
  budget.release(held);
  budget.hold(bodyWith(600));
  budget.hold(bodyWith(600));
  expect(budget.isExceeded).toBe(true);
});
