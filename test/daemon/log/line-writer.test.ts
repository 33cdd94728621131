import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { LineWriter } from "../../../src/daemon/log/line-writer.js";
import type { Outlet } from "../../../src/daemon/log/outlet.js";

/** An outlet that accepts a chunk only when the test says so. */
class ManualOutlet implements Outlet {
  readonly isTerminal = false;
  readonly taken: string[] = [];
  isClosed = false;
  #pending: { text: string; resolve: () => void; reject: (error: Error) => void } | undefined;

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#pending !== undefined) throw new Error("two writes at once");
      this.#pending = { text: Buffer.from(bytes).toString(), resolve, reject };
    });
  }

  close(): void {
    this.isClosed = true;
  }

  get isBusy(): boolean {
    return this.#pending !== undefined;
  }

  async take(): Promise<void> {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) this.taken.push(pending.text);
    pending?.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }

  fail(): void {
    this.#pending?.reject(new Error("EPIPE"));
    this.#pending = undefined;
  }

  get lines(): string[] {
    return this.taken.join("").split("\n").slice(0, -1);
  }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function harness(maxPendingBytes: number) {
  const outlet = new ManualOutlet();
  const writer: LineWriter = new LineWriter({
    outlet,
    maxPendingBytes,
    onDropped: (lines) => writer.write(`dropped ${lines}\n`),
  });
  return { outlet, writer };
}

test("lines of one turn of the event loop are written at once", async () => {
  const { outlet, writer } = harness(1_000);
  writer.write("a\n");
  writer.write("b\n");
  await turn();
  await outlet.take();
  expect(outlet.taken).toEqual(["a\nb\n"]);
});

test("once a line is dropped, later ones are dropped too until their number is written in their place", async () => {
  const { outlet, writer } = harness(18);
  writer.write("1234567\n");
  await turn();
  writer.write("far too much for it\n");
  writer.write("\n");
  await outlet.take();
  writer.write("after\n");
  while (outlet.isBusy) await outlet.take();
  expect(outlet.lines).toEqual(["1234567", "dropped 2", "after"]);
});

test("dropped and written lines add up, whenever lines are written", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant("take" as const)), { maxLength: 60 }),
      fc.integer({ min: 0, max: 200 }),
      async (steps, maxPendingBytes) => {
        const { outlet, writer } = harness(maxPendingBytes);
        let given = 0;
        for (const step of steps) {
          if (step === "take") {
            await outlet.take();
          } else {
            writer.write(`${given}:${"é".repeat(step)}\n`);
            given += 1;
            await turn();
          }
        }
        while (outlet.isBusy) await outlet.take();
        let next = 0;
        for (const line of outlet.lines) {
          const dropped = /^dropped (\d+)$/.exec(line)?.[1];
          if (dropped !== undefined) {
            next += Number(dropped);
          } else {
            expect(line.startsWith(`${next}:`)).toBe(true);
            next += 1;
          }
        }
        expect(next).toBe(given);
      },
    ),
    { numRuns: 200 },
  );
});

test("an outlet that fails for good is closed and accepts no more", async () => {
  const { outlet, writer } = harness(1_000);
  writer.write("a\n");
  await turn();
  outlet.fail();
  await turn();
  expect(outlet.isClosed).toBe(true);
  writer.write("b\n");
  await turn();
  expect(outlet.isBusy).toBe(false);
  await writer.stop(10_000);
});

test("a line after the end takes no memory: it is not even measured", async () => {
  const { writer } = harness(1_000);
  await writer.stop(10_000);
  const measured = vi.spyOn(Buffer, "byteLength");
  writer.write("late\n");
  expect(measured).not.toHaveBeenCalled();
  measured.mockRestore();
});

test("lines go out 64 KiB at a time, so that each makes room for new ones", async () => {
  const { outlet, writer } = harness(1_000_000);
  for (let line = 0; line < 30; line += 1) writer.write(`${"x".repeat(9_999)}\n`);
  await turn();
  while (outlet.isBusy) await outlet.take();
  const lengths = outlet.taken.map(({ length }) => length);
  expect(lengths).toEqual([70_000, 70_000, 70_000, 70_000, 20_000]);
});
