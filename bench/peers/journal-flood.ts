import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import { TraceReplyDecoder } from "../../src/protocol/trace-reply-decoder.js";
import { JournalSink } from "../../src/sinks/journal/journal-sink.js";
import { loadLibc } from "../../src/sinks/journal/libc.js";

// Writes entries to a journald as JournalMode does, from batches that are decoded already, and says what that took:
// a first time to compile, then as often as it is told.

/** Messages of 250 bytes. */
const messageBytes = 250;
const objectsPerBatch = 100;
/** Batches under way, as of one node that is asked ahead. */
const ahead = 7;

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

const batches = Array.from({ length: entries / objectsPerBatch }, (_, index) =>
  batchFrom(index * objectsPerBatch),
);
const sink = new JournalSink({ name: "journal", format: "ForMachine", socketPath, libc: await loadLibc() });
const results: { seconds: number; cpuSeconds: number }[] = [];
for (let round = 0; round <= rounds; round += 1) {
  const [cpu, start] = [process.cpuUsage(), performance.now()];
  const underWay: Promise<unknown>[] = [];
  for (const batch of batches) {
    underWay.push(sink.write(node, batch));
    if (underWay.length > ahead) await underWay.shift();
  }
  await Promise.all(underWay);
  const { user, system } = process.cpuUsage(cpu);
  results.push({ seconds: (performance.now() - start) / 1_000, cpuSeconds: (user + system) / 1e6 });
}
await sink.stop({ deadlineMs: 1_000 });
process.stdout.write(JSON.stringify(results.slice(1)));
