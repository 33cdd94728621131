import { createServer, type Socket } from "node:net";
import { answerProposal } from "../../src/protocol/handshake.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../src/protocol/mux.js";
import { encodeTraceRequest } from "../../src/protocol/trace-messages.js";
import { networkMagic } from "../harness/load-plan.js";

/** Bytes before the proposal, and of the load's proposal: `[0, {1: 42}]`. */
const segmentHeaderBytes = 8;
const proposalBytes = 6;

/**
 * Listens as the smallest possible tracer: shakes hands, requests trace objects, and passes on what it receives. The n-th
 * to propose is node n. `serve` may ask at once, for so many replies in one write, and returns the function that gets the
 * bytes that follow.
 */
export function listenAsAcceptor(
  socketPath: string,
  requestCount: number,
  serve: (node: number, ask: (requests: number) => void) => Promise<(chunk: Uint8Array) => void>,
): void {
  const request = encodeSegments("listener", miniProtocols.traceObjects, encodeTraceRequest(requestCount), 0);
  let nodes = 0;
  const server = createServer((socket: Socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", async (segment: Uint8Array) => {
      const node = nodes;
      nodes += 1;
      if (segment.length !== segmentHeaderBytes + proposalBytes) throw new Error("a proposal in pieces");
      socket.pause();
      const { answer } = answerProposal(segment.subarray(segmentHeaderBytes), networkMagic);
      socket.write(encodeSegments("listener", miniProtocols.handshake, answer, 0));
      const ask = (requests: number) => socket.write(Buffer.concat(new Array(requests).fill(request)));
      socket.on("data", await serve(node, ask));
      socket.resume();
    });
  });
  server.listen(socketPath);
}
