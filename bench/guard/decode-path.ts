import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { Demux, encodeSegments } from "../../src/protocol/mux.js";
import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { TraceReplyDecoder } from "../../src/protocol/trace-reply-decoder.js";
import { sampleObject } from "../harness/objects.js";
import { spreadOf } from "../harness/statistics.js";
import { cpuMicros } from "./cpu.js";
import { Yardstick } from "./yardstick.js";

// Prints the cost of the decode path in yardsticks: from bytes as a socket delivers them to lines as a file gets them.

const objectsPerReply = 100;
const objectBytes = 364;
const repliesPerRound = 1_000;
const repliesPerPass = 20;
/** The most that a socket delivers at once. */
const chunkBytes = 256 * 1_024;
const warmUpRounds = 3;
const rounds = 11;

const object = sampleObject(objectBytes);
const reply = encodeTraceReply(Array.from({ length: objectsPerReply }, () => object.encoded));
const segments = encodeSegments("opener", miniProtocols.traceObjects, reply, 0);
const stream = Buffer.concat(Array.from({ length: repliesPerPass }, () => segments));
const passes = repliesPerRound / repliesPerPass;

const demux = new Demux("opener");
const decoder = new TraceReplyDecoder({ maxObjectBytes: 16 * 1_024 * 1_024 });
const yardstick = new Yardstick(repliesPerRound);

function decode(): void {
  let bytes = 0;
  for (let pass = 0; pass < passes; pass += 1) {
    for (let at = 0; at < stream.length; at += chunkBytes) {
      demux.push(stream.subarray(at, at + chunkBytes), (_, payload) => decoder.append(payload));
      decoder.scan();
      const batch = decoder.take();
      bytes += batch?.machineLines().length ?? 0;
      batch?.release();
    }
  }
  if (bytes !== repliesPerRound * objectsPerReply * object.line.length)
    throw new Error(`${bytes} bytes of lines`);
}

const ratios: number[] = [];
for (let round = 0; round < warmUpRounds + rounds; round += 1) {
  const yardstickMicros = await yardstick.micros();
  const ratio = (await cpuMicros(decode)) / yardstickMicros;
  if (round >= warmUpRounds) ratios.push(ratio);
}
console.log(JSON.stringify(spreadOf(ratios)));
