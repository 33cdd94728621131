import type { Config } from "./config/config.js";
import type { Log } from "./daemon/log/log.js";
import type { OtlpInView } from "./health/otlp-in-check.js";
import { placesWithin } from "./http/places.js";
import type { InnerNodes } from "./inner-nodes/inner-nodes.js";
import type { Sessions } from "./nodes/sessions.js";
import type { OtlpIn } from "./otlp-in/otlp-in.js";
import { readOpenFilesLimit } from "./registry/process-limit.js";

interface Surroundings {
  readonly sessions: Sessions;
  readonly innerNodes: InnerNodes;
  readonly log: Log;
}

/**
 * What `muninn.otlp` asks for; not even loaded where it is absent.
 * @throws HttpError if it cannot listen, CertificateError
 */
export async function openOtlpIn(
  { muninn, networkMagic: magic }: Config,
  { sessions, innerNodes, log }: Surroundings,
): Promise<OtlpIn | undefined> {
  if (muninn.otlp === undefined) return undefined;
  const { OtlpIn } = await import("./otlp-in/otlp-in.js");
  const run: Parameters<InnerNodes["open"]>[1] = (connection) => sessions.run(connection);
  const opened = await OtlpIn.open({
    options: muninn.otlp,
    auth: muninn.auth.otlp,
    maxConnections: placesWithin(readOpenFilesLimit()).maxConnections,
    maxBytes: muninn.maxInFlightBytes,
    heldByNodes: () => sessions.flight.heldBytes,
    maxObjectBytes: muninn.maxObjectBytes,
    maxMetricsPerNode: muninn.maxMetricsPerNode,
    joinMetrics: () => sessions.answers.join(),
    open: ({ name, version }, peer) =>
      innerNodes.open("otlp", run, { peer, info: { name, version, protocol: "OTLP" }, magic }),
  });
  for (const [transport, where] of opened.served)
    log.info("otlp_listening", `OTLP is accepted at ${where}`, { transport, where });
  return opened;
}

export function otlpInView(otlpIn: () => OtlpIn | undefined): OtlpInView {
  return {
    resources: () => otlpIn()?.stats().resources ?? 0,
    sinceBusyMs: () => otlpIn()?.stats().sinceBusyMs ?? Number.POSITIVE_INFINITY,
  };
}
