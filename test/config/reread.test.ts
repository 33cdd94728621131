import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { rereadConfig } from "../../src/config/reread.js";

/** A thread that does what the test says. */
class Thread extends EventEmitter {
  readonly unref = vi.fn();
  readonly terminate = vi.fn(async () => 0);
  readonly postMessage = vi.fn();
}
const threads = vi.hoisted(() => [] as unknown[]);
vi.mock("node:worker_threads", async (original) => ({
  ...(await original<object>()),
  Worker: function open(this: unknown) {
    const thread = new Thread();
    threads.push(thread);
    return thread;
  },
}));

beforeEach(() => {
  threads.length = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function reading() {
  const read = rereadConfig("/etc/muninn.yaml");
  return { read, thread: threads[0] as Thread };
}

test("a configuration has half a minute to be read, and then its thread is ended", async () => {
  const { read, thread } = reading();
  const refused = expect(read).rejects.toThrow("/etc/muninn.yaml: could not be parsed within 30 s");
  await vi.advanceTimersByTimeAsync(29_999);
  expect(thread.terminate).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  await refused;
  expect(thread.terminate).toHaveBeenCalledOnce();
});

test("a thread that has answered is ended, and leaves no timer", async () => {
  const { read, thread } = reading();
  const answer = { config: {}, warnings: ["odd"] };
  thread.emit("message", answer);
  expect(await read).toBe(answer);
  expect(thread.terminate).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});
