import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { JournalSink } from "../../../src/sinks/journal/journal-sink.js";
import { JournalSocket } from "../../../src/sinks/journal/journal-socket.js";
import { loadLibc } from "../../../src/sinks/journal/libc.js";
import { batchOf } from "../../batches.js";
import { DatagramReceiver } from "./datagram-receiver.js";
import { fieldsOf } from "./entry-fields.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-journal-"));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true });
});

async function opened() {
  const socketPath = join(directory, "journal");
  const libc = await loadLibc();
  const receiver = new DatagramReceiver(socketPath).keepReading();
  const sink = new JournalSink({ name: "journal", format: "ForMachine", socketPath, libc });
  return { receiver, sink, socketPath, libc };
}

test("entries have the node's name as their identifier, and the node is drained under it", async () => {
  const { receiver, sink } = await opened();
  const node = { connectionId: "unix-1", name: "Relay 1", directory: "Relay_1", slug: "relay-1" };
  const written = sink.write(node, batchOf([{}]));
  let isWritten = false;
  void written.then(() => {
    isWritten = true;
  });
  await sink.drained(node);
  expect(isWritten).toBe(true);
  expect(receiver.received.map(({ entry }) => fieldsOf(entry).SYSLOG_IDENTIFIER)).toEqual(["Relay 1"]);
  await sink.stop({ deadlineMs: 0 });
  receiver[Symbol.dispose]();
});

test("a stop with nothing to send leaves no timer", async () => {
  const { receiver, sink } = await opened();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await sink.stop({ deadlineMs: 10_000 });
  expect(vi.getTimerCount()).toBe(0);
  receiver[Symbol.dispose]();
});

test("asking whether journald is there opens nothing for good", async () => {
  const { receiver, sink, socketPath, libc } = await opened();
  const socket = new JournalSocket(libc, socketPath);
  const openFiles = async () => (await readdir("/proc/self/fd")).length;
  const before = await openFiles();
  for (let looks = 0; looks < 50; looks += 1) expect(socket.isHeld()).toBe(true);
  expect((await openFiles()) - before).toBeLessThan(25);
  socket.close();
  await sink.stop({ deadlineMs: 0 });
  receiver[Symbol.dispose]();
});
