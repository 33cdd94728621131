import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type EntrySocket, JournalSender } from "../../../src/sinks/journal/journal-sender.js";
import { LibcError } from "../../../src/sinks/journal/libc.js";
import { eventually } from "../../../src/testing/eventually.js";

// How long the sender waits, without waiting.

vi.mock("node:timers/promises", async (original) => ({
  ...(await original<object>()),
  setTimeout: vi.fn(() => new Promise((resolve) => setImmediate(resolve))),
}));

beforeEach(() => {
  vi.mocked(pause).mockClear();
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function senderAt(changes: Partial<EntrySocket>) {
  const socket: EntrySocket = {
    queueLimit: 11,
    send: async (_, count) => count,
    sendLarge: async () => {},
    unreadBytes: () => 0,
    isHeld: () => true,
    close: () => {},
    ...changes,
  };
  const frames = [{ large: Buffer.from("an entry") }];
  return new JournalSender({
    connect: () => socket,
    next: () => frames.shift(),
    read: () => {},
    failed: () => {},
  });
}

const pauses = () => vi.mocked(pause).mock.calls.map(([milliseconds]) => milliseconds);

test("it looks every 50 ms at most whether journald has read, and reports after a second that it has not", async () => {
  const sender = senderAt({ unreadBytes: () => 1_000_000 });
  sender.start();
  await eventually(() => expect(pauses().length).toBeGreaterThan(20));
  expect(pauses().slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 50, 50]);
  vi.advanceTimersByTime(999);
  const looks = pauses().length;
  await eventually(() => expect(pauses().length).toBeGreaterThan(looks + 5));
  expect(sender.fault).toBeUndefined();
  vi.advanceTimersByTime(1);
  await eventually(() => expect(sender.fault).toMatchObject({ kind: "full" }));
  await sender.stop();
});

test("what fails is retried every half a second at most", async () => {
  const sender = senderAt({
    sendLarge: async () => {
      throw new LibcError("sendmmsg", "ENOBUFS");
    },
  });
  sender.start();
  await eventually(() => expect(pauses().length).toBeGreaterThan(12));
  expect(pauses().slice(0, 10)).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 500, 500]);
  await sender.stop();
});
