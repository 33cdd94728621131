import { expect, test } from "vitest";
import { openInOrder } from "../../src/sinks/open-in-order.js";
import { MemorySink } from "./memory-sinks.js";

test("if one of several sinks of a kind cannot be opened, those before it are stopped and those after it never open", async () => {
  const [first, last] = [new MemorySink(), new MemorySink()];
  let opened = 0;
  const opening = openInOrder([
    async () => [first],
    async () => {
      throw new Error("no such file");
    },
    async () => {
      opened += 1;
      return [last];
    },
  ]);
  await expect(opening).rejects.toThrow("no such file");
  expect([first.stops, opened]).toEqual([1, 0]);
});
