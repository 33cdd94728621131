import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { GatedConnection } from "./gated-connection.js";

/** Pause between two interim answers, in milliseconds. */
const probeEveryMs = 100;

/**
 * Aborted when the client has left before its answer, for work that takes long. A client that has closed its side may still read:
 * interim answers (102, RFC 2518) are ignored by one that does, and end the connection of one that does not.
 */
export function goneSignal(message: IncomingMessage, response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  const connection = message.socket as Duplex as GatedConnection;
  let probes: NodeJS.Timeout | undefined;
  const probe = () => {
    if (response.headersSent || message.httpVersion !== "1.1") return;
    response.writeProcessing();
    probes ??= setInterval(probe, probeEveryMs).unref();
  };
  response.once("close", () => {
    clearInterval(probes);
    connection.off("peer-end", probe);
    gone.abort();
  });
  if (connection.hasEnded) probe();
  else connection.once("peer-end", probe);
  return gone.signal;
}
