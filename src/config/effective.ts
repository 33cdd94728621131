import { defined } from "../fields/defined.js";
import type { Config, LoggingSection } from "./config.js";
import type { Fields } from "./schema.js";

/** The configuration that the fields of a file make, with the texts of a `metricsHelp` file where there is one. */
export function effectiveConfig(fields: Fields, metricsHelp: Readonly<Record<string, string>>): Config {
  const { muninn } = fields;
  return {
    networkMagic: fields.networkMagic,
    network: fields.network,
    loRequestNum: fields.loRequestNum,
    ekgRequestFreqMs: fields.ekgRequestFreq,
    ekgRequestFull: fields.ekgRequestFull,
    endpoints: defined({
      prometheus: fields.hasPrometheus,
      ekg: fields.hasEKG,
      timeseries: fields.hasTimeseries,
    }),
    logging: fields.logging.filter((section, index) => sameSection(fields.logging, section) === index),
    metricsNoSuffix: fields.metricsNoSuffix,
    metricsHelp,
    prometheusLabels: fields.prometheusLabels,
    ...defined({
      tlsCertificate: fields.tlsCertificate,
      forwarding: fields.hasForwarding,
      rotation: fields.rotation,
      verbosity: fields.verbosity,
      resourceFreqMs: fields.resourceFreq,
    }),
    muninn: {
      registry: { maxOpenFiles: muninn.registry.maxOpenFiles, idleTimeoutMs: muninn.registry.idleTimeout },
      durability: muninn.durability,
      humanLayout: muninn.humanLayout,
      files: defined(muninn.files),
      maxConnections: muninn.maxConnections,
      maxObjectBytes: muninn.maxObjectBytes,
      maxAnswerBytes: muninn.maxAnswerBytes,
      requestsAhead: muninn.requestsAhead,
      maxInFlightBytes: muninn.maxInFlightBytes,
      handshakeTimeoutMs: muninn.handshakeTimeout,
      nameTimeoutMs: muninn.nameTimeout,
      reconnect: { initialMs: muninn.reconnect.initial, maxMs: muninn.reconnect.max },
      auth: defined(muninn.auth),
      ...defined({ socketMode: muninn.socketMode, health: muninn.health }),
    },
  };
}

/** The index of the first section like this one. */
export function sameSection(
  sections: readonly LoggingSection[],
  { logRoot, mode, format }: LoggingSection,
): number {
  return sections.findIndex(
    (other) => other.logRoot === logRoot && other.mode === mode && other.format === format,
  );
}
