import { expect, test } from "vitest";
import { type EntrySocket, type Frame, JournalSender } from "../../../src/sinks/journal/journal-sender.js";
import { type Libc, LibcError } from "../../../src/sinks/journal/libc.js";
import { MessageTable } from "../../../src/sinks/journal/message-table.js";
import { eventually } from "../../../src/testing/eventually.js";

function frameOf(...entries: string[]): Frame {
  const libc = { addressOf: () => 0 } as unknown as Libc;
  const table = new MessageTable(libc, { entries: 8, bytes: 1_000 });
  for (const entry of entries) table.add(table.at + table.bytes.write(entry, table.at));
  return { table };
}

/** A socket whose calls have the results in the script, and then succeed. Everything is read at once. */
function scripted(...script: (number | Error)[]) {
  const calls: string[] = [];
  const next = (call: string, count: number) => {
    calls.push(call);
    const outcome = script.shift() ?? count;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  const socket: EntrySocket = {
    queueLimit: 11,
    send: async (_, count) => next(`send ${count}`, count),
    sendLarge: async (entry) => {
      next(`large ${Buffer.from(entry)}`, 1);
    },
    unreadBytes: () => 0,
    isHeld: () => true,
    close: () => calls.push("close"),
  };
  return { socket, calls };
}

function senderAt(socket: EntrySocket, frames: Frame[]) {
  const outcome = { read: 0, failed: [] as unknown[] };
  const sender = new JournalSender<Frame>({
    connect: () => socket,
    next: () => frames.shift(),
    read: (_, entries) => {
      outcome.read += entries;
    },
    failed: (error) => outcome.failed.push(error),
  });
  return { sender, outcome };
}

test("an entry too large for the socket is sent as a file, in its place", async () => {
  const { socket, calls } = scripted(1, new LibcError("sendmmsg", "EMSGSIZE"));
  const { sender, outcome } = senderAt(socket, [frameOf("a", "bb", "c")]);
  sender.start();
  await eventually(() => expect(outcome.read).toBe(3));
  expect(calls).toEqual(["send 3", "send 2", "large bb", "send 1"]);
  await sender.stop();
});

test("entries that the kernel refuses for a while are sent again on the same connection, and health knows", async () => {
  const { socket, calls } = scripted(...Array(6).fill(new LibcError("sendmmsg", "ENOBUFS")));
  const { sender, outcome } = senderAt(socket, [frameOf("a")]);
  sender.start();
  await eventually(() => expect(sender.fault).toMatchObject({ kind: "refused", code: "ENOBUFS" }));
  await eventually(() => expect(outcome.read).toBe(1));
  expect(calls).toEqual(Array(7).fill("send 1"));
  expect(sender.fault).toBeUndefined();
  expect(sender.counters).toEqual({ entries: 1, bytes: 1, retries: 6, possiblyDoubled: 0 });
  await sender.stop();
});

test("an error in Muninn drops the current entries and is reported, and later ones are sent", async () => {
  const bug = new TypeError("undefined is not a function");
  const { socket, calls } = scripted(bug);
  const frames = [frameOf("a", "b")];
  const { sender, outcome } = senderAt(socket, frames);
  sender.start();
  await eventually(() => expect(outcome.failed).toEqual([bug]));
  frames.push(frameOf("c"));
  sender.start();
  await eventually(() => expect(outcome.read).toBe(1));
  expect(calls).toEqual(["send 2", "close", "send 1"]);
  await sender.stop();
});

test("at most six frames are under way, however much journald leaves unread", async () => {
  const { socket } = scripted();
  const frames = Array.from({ length: 20 }, () => frameOf("a", "b"));
  const { sender } = senderAt({ ...socket, unreadBytes: () => 1_000_000 }, frames);
  sender.start();
  await eventually(() => expect(frames.length).toBe(14));
  for (let turns = 0; turns < 100; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  expect([...sender.unread()]).toHaveLength(6);
  expect(frames).toHaveLength(14);
  await sender.stop();
});
