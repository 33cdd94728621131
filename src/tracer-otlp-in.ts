import type { Config } from "./config/config.js";
import type { Log } from "./daemon/log/log.js";
import type { OtlpInView } from "./health/otlp-in-check.js";
import { placesWithin } from "./http/places.js";
import type { InnerNodes } from "./inner-nodes/inner-nodes.js";
import { remoteAddressOf } from "./nodes/remote-address.js";
import type { Sessions } from "./nodes/sessions.js";
import type { ClosedReason, DoorObserver } from "./otlp-in/door.js";
import type { OtlpIn } from "./otlp-in/otlp-in.js";
import { readOpenFilesLimit } from "./registry/process-limit.js";
import { RateLimitedLines, times } from "./text/rate-limited-lines.js";

/** Share of the peers' memory for requests that are not safe yet. */
const requestsPart = 1 / 2;

interface Parts {
  readonly sessions: Sessions;
  readonly innerNodes: InnerNodes;
  readonly log: Log;
}

/** The servers configured by `muninn.otlp`, closed; without it their code is not even loaded. */
export async function loadOtlpIn(
  { muninn, networkMagic: magic }: Config,
  { sessions, innerNodes, log }: Parts,
): Promise<OtlpIn | undefined> {
  if (muninn.otlp === undefined) return undefined;
  const { OtlpIn } = await import("./otlp-in/otlp-in.js");
  const run: Parameters<InnerNodes["open"]>[1] = (connection) => sessions.run(connection);
  return new OtlpIn({
    options: muninn.otlp,
    auth: muninn.auth.otlp,
    maxConnections: placesWithin(readOpenFilesLimit()).maxConnections,
    observer: otlpInEvents(log),
    onListening: (transport, where) =>
      log.info("otlp_listening", `OTLP is accepted at ${where}`, { transport, where }),
    maxBytes: muninn.maxInFlightBytes * requestsPart,
    fitBeside: (bytes) => bytes + sessions.flight.heldBytes <= muninn.maxInFlightBytes,
    maxObjectBytes: muninn.maxObjectBytes,
    maxMetricsPerNode: muninn.maxMetricsPerNode,
    joinMetrics: () => sessions.answers.join(),
    admits: (name, peer) => sessions.admitsName(name, remoteAddressOf({ opener: "peer", peer })),
    open: ({ name, version }, peer) =>
      innerNodes.open("otlp", run, { peer, info: { name, version, protocol: "OTLP" }, magic }),
  });
}

/** Logs events of OTLP clients: one line a minute for each address and kind, with their number. */
function otlpInEvents(log: Log): DoorObserver {
  const lines = new RateLimitedLines();
  return {
    refused: (transport, status, host, message) =>
      lines.say(`refused ${transport} ${status}`, host, (count) =>
        log.warning(
          "otlp_refused",
          `an OTLP request of ${host} was refused with status ${status}: ${message}${times(count)}`,
          { transport, status, host, count },
        ),
      ),
    rejected: (signal, items, host, message) =>
      lines.say(`rejected ${signal}`, host, (count) =>
        log.warning(
          "otlp_rejected_in",
          `${items} ${signal === "logs" ? "log records" : "data points"} of ${host} were rejected: ${message}${times(count)}`,
          { signal, host, count },
        ),
      ),
    closed: (transport, reason, host) =>
      lines.say(`closed ${transport} ${reason}`, host, (count) =>
        log.warning(
          "otlp_connection_closed",
          `a connection of ${host} for OTLP was closed: ${closedWords[reason]}${times(count)}`,
          { transport, reason, host, count },
        ),
      ),
  };
}

const closedWords: Readonly<Record<ClosedReason, string>> = {
  "gave-way": "there are too many, and it had waited longest",
  "no-place": "there are too many, and all are being answered",
  "not-http2": "it does not speak HTTP/2, as gRPC does",
  "too-many-frames": "it sent too much that no call needs",
  "http2-error": "it broke the rules of HTTP/2",
  tls: "its TLS handshake failed",
};

export function otlpInView(otlpIn: OtlpIn): OtlpInView {
  return {
    resources: () => otlpIn.stats().resources,
    sinceBusyMs: () => otlpIn.stats().sinceBusyMs,
  };
}
