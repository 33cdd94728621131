import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import { TraceReplyDecoder } from "../../src/protocol/trace-reply-decoder.js";
import { JournalSink } from "../../src/sinks/journal/journal-sink.js";
import { JournalSocket } from "../../src/sinks/journal/journal-socket.js";
import { LibcError, loadLibc } from "../../src/sinks/journal/libc.js";
import { MessageTable } from "../../src/sinks/journal/message-table.js";

// Writes entries to a journald as JournalMode does, from batches that are already decoded, and prints the cost:
// once to compile, then as often as it is told.

/** Messages of 250 bytes. */
const messageBytes = 250;
const objectsPerBatch = 100;
/** Batches in progress, as for one node with requests ahead. */
const ahead = 7;

const entriesPerCall = 256;
const readyEntry =
  `SYSLOG_IDENTIFIER=node-1\nMESSAGE=${"x".repeat(messageBytes)}\nPRIORITY=6\n` +
  "NAMESPACE=ChainDB.AddBlockEvent.AddedToCurrentChain\nTHREAD=31\nTIME=2026-02-16 09:30:01.123456700000Z\n";

export interface FloodResult {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

const [socketPath, entries, rounds] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const node = { connectionId: "unix-1", name: "node-1", directory: "node-1", slug: "node-1" };

function batchFrom(first: number) {
  const decoder = new TraceReplyDecoder({ maxObjectBytes: 1_000_000 });
  const objects = Array.from({ length: objectsPerBatch }, (_, index) =>
    encodeTraceObject({
      human: undefined,
      machine: `{"n":${first + index}}`.padEnd(messageBytes, " "),
      namespace: ["ChainDB.AddBlockEvent.AddedToCurrentChain"],
      severity: "Info",
      details: "DNormal",
      timestamp: { seconds: 1_771_234_201, picoseconds: (first + index) * 1_000_000 },
      host: "host",
      thread: "31",
    }),
  );
  decoder.push(encodeTraceReply(objects));
  return decoder.take()!;
}

const libc = await loadLibc();
const batches = Array.from({ length: entries / objectsPerBatch }, (_, index) =>
  batchFrom(index * objectsPerBatch),
);
const sink = new JournalSink({ name: "journal", format: "ForMachine", socketPath, libc });

async function bySink(): Promise<void> {
  const underWay: Promise<unknown>[] = [];
  for (const batch of batches) {
    underWay.push(sink.write(node, batch));
    if (underWay.length > ahead) await underWay.shift();
  }
  await Promise.all(underWay);
}

const socket = new JournalSocket(libc, socketPath);
const table = new MessageTable(libc, { entries: entriesPerCall, bytes: entriesPerCall * 1_024 });
for (let index = 0; index < entriesPerCall; index += 1) {
  table.add(table.at + table.bytes.write(readyEntry, table.at));
}

/** The same calls with existing entries: the kernel's share. */
async function bare(): Promise<void> {
  for (let sent = 0; sent < entries; ) {
    const count = Math.min(entriesPerCall, entries - sent);
    try {
      sent += await socket.send(table.messagesFrom(0), count);
    } catch (error) {
      // On a busy machine journald may not read for this long.
      if (!(error instanceof LibcError && error.code === "EAGAIN")) throw error;
    }
  }
}

async function measured(send: () => Promise<void>): Promise<FloodResult> {
  const [cpu, start] = [process.cpuUsage(), performance.now()];
  await send();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - start) / 1_000, cpuSeconds: (user + system) / 1e6 };
}

const results: { sink: FloodResult; bare: FloodResult }[] = [];
for (let round = 0; round <= rounds; round += 1) {
  results.push({ sink: await measured(bySink), bare: await measured(bare) });
}
await sink.stop({ deadlineMs: 1_000 });
socket.close();
process.stdout.write(JSON.stringify(results.slice(1)));
