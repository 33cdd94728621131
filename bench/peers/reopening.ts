import { join } from "node:path";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { Demux } from "../../src/protocol/mux.js";
import { TraceReplyDecoder } from "../../src/protocol/trace-reply-decoder.js";
import { listenAsAcceptor } from "./acceptor.js";
import { WaitingLines } from "./waiting-lines.js";

// What the registry saves: decodes as Muninn does, and opens, appends to and closes the file for each batch. Sends the next
// request when a complete reply is written.

const maxObjectBytes = 16 * 1_024 * 1_024;

const [socketPath, directory] = process.argv.slice(2) as [string, string];
const [requestCount, requestsAhead] = process.argv.slice(4).map(Number) as [number, number];

listenAsAcceptor(socketPath, requestCount, async (node, ask) => {
  const file = WaitingLines.reopened(join(directory, `node-${node}.json`));
  const demux = new Demux("opener");
  const decoder = new TraceReplyDecoder({ maxObjectBytes });
  let asked = 0;
  const askAhead = (repliesWritten: number) => {
    const more = repliesWritten + requestsAhead - asked;
    if (more > 0) ask(more);
    asked += more;
  };
  askAhead(0);
  return (chunk) => {
    demux.push(chunk, (miniProtocol, payload) => {
      if (miniProtocol === miniProtocols.traceObjects) decoder.push(payload);
    });
    const { repliesEnded } = decoder;
    const lines = decoder.take()?.machineLines();
    if (lines !== undefined) void file.append(lines).then(() => askAhead(repliesEnded));
  };
});
