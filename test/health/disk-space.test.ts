import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type DiskReading, DiskSpace } from "../../src/health/disk-space.js";

const reading = (availableBytes: number): DiskReading => ({
  sizeBytes: 1_000,
  availableBytes,
  availableFiles: undefined,
});

describe("the space of a disk", () => {
  let questions: PromiseWithResolvers<DiskReading>[];
  let disk: DiskSpace;

  beforeEach(() => {
    vi.useFakeTimers();
    questions = [];
    disk = new DiskSpace({
      path: "/logs",
      pauseMs: 10_000,
      measure: () => {
        const question = withResolvers<DiskReading>();
        questions.push(question);
        return question.promise;
      },
    });
  });
  afterEach(() => {
    disk.stop();
    vi.useRealTimers();
  });

  async function answer(value: DiskReading | Error): Promise<void> {
    const question = questions.at(-1)!;
    if (value instanceof Error) question.reject(value);
    else question.resolve(value);
    await vi.advanceTimersByTimeAsync(0);
  }

  test("is unknown until the first answer", async () => {
    expect(disk.reading).toBeUndefined();
    expect(disk.error).toBeUndefined();
    await answer(reading(5));
    expect(disk.reading).toEqual(reading(5));
  });

  test("is asked for again after a pause, and the newest answer replaces the last", async () => {
    await answer(reading(5));
    await vi.advanceTimersByTimeAsync(9_999);
    expect(questions).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(questions).toHaveLength(2);
    await answer(reading(7));
    expect(disk.reading).toEqual(reading(7));
  });

  test("is never asked for twice at once, however long the disk hangs", async () => {
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(questions).toHaveLength(1);
    expect(disk.waitingMs).toBe(3_600_000);
    await answer(reading(5));
    expect(disk.waitingMs).toBe(0);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(questions).toHaveLength(2);
  });

  test("is unknown after a failed question until one succeeds", async () => {
    await answer(reading(5));
    await vi.advanceTimersByTimeAsync(10_000);
    const error = new Error("gone");
    await answer(error);
    expect([disk.reading, disk.error]).toEqual([undefined, error]);
    await vi.advanceTimersByTimeAsync(10_000);
    await answer(reading(6));
    expect([disk.reading, disk.error]).toEqual([reading(6), undefined]);
  });

  test.each(["while it waits", "while it pauses"])("is not asked for after a stop %s", async (when) => {
    if (when === "while it pauses") await answer(reading(5));
    disk.stop();
    disk.stop();
    if (when === "while it waits") await answer(reading(5));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(questions).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("the kernel reports the space of a real directory", async () => {
  const directory = await mkdtemp(join(tmpdir(), "muninn-disk-"));
  const disk = new DiskSpace({ path: directory });
  await vi.waitFor(() => expect(disk.reading).toBeDefined());
  const { sizeBytes, availableBytes } = disk.reading!;
  expect(sizeBytes).toBeGreaterThan(0);
  expect(availableBytes).toBeLessThanOrEqual(sizeBytes);
  disk.stop();
  await rmdir(directory);
});

test("a missing directory is an error", async () => {
  const disk = new DiskSpace({ path: "/proc/self/none" });
  await vi.waitFor(() => expect(disk.error?.code).toBe("ENOENT"));
  disk.stop();
});

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

/** `Promise.withResolvers` is missing from Node 20. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((resolveIt, rejectIt) => {
    resolve = resolveIt;
    reject = rejectIt;
  });
  return { promise, resolve, reject };
}
