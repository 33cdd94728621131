import { open, readFile } from "node:fs/promises";
import { afterEach, expect, test, vi } from "vitest";
import { openOutlet } from "../../../src/daemon/log/outlet.js";
import { Pipe } from "./pipe.js";

const nonBlocking = 0o4000;

afterEach(() => {
  vi.useRealTimers();
});

async function flagsOf(fd: number): Promise<number> {
  return Number.parseInt(/^flags:\s+(\d+)$/m.exec(await readFile(`/proc/self/fdinfo/${fd}`, "utf8"))![1]!, 8);
}

test("a pipe is written without blocking, so that no thread waits for its reader", async () => {
  await using pipe = await Pipe.open();
  expect((await flagsOf(pipe.writer)) & nonBlocking).toBe(0);
  const outlet = openOutlet(pipe.writer);
  expect((await flagsOf(pipe.writer)) & nonBlocking).toBe(nonBlocking);
  outlet.close();
});

test("a write that fails is no longer retried once its outlet is closed", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await using file = await open("/dev/full", "w");
  const outlet = openOutlet(file.fd);
  void outlet.write(Buffer.from("x"));
  outlet.close();
  // Its answer comes before those of later calls.
  for (let calls = 0; calls < 5; calls += 1) await readFile("/proc/self/stat");
  expect(vi.getTimerCount()).toBe(0);
});

test("a write that fails is tried again after a fifth of a second", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await using file = await open("/dev/full", "w");
  const outlet = openOutlet(file.fd);
  void outlet.write(Buffer.from("x"));
  for (let attempt = 0; attempt < 3; attempt += 1) {
    while (vi.getTimerCount() === 0) await readFile("/proc/self/stat");
    vi.advanceTimersByTime(199);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1);
    expect(vi.getTimerCount()).toBe(0);
  }
  outlet.close();
});
