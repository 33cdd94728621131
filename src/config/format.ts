import { Document, isMap, isScalar } from "yaml";
import { defined } from "../fields/defined.js";
import { formatDuration, formatMode, formatSize } from "../fields/quantities.js";
import { formatAddress } from "../transport/address.js";
import type { Config, Endpoint, EndpointAuth, MuninnConfig, Network } from "./config.js";

/** Units that neither the name of a field nor its value tells. */
const unitComments = [
  [["ekgRequestFreq"], "seconds"],
  [["resourceFreq"], "milliseconds"],
] as const;

/**
 * The effective configuration as YAML, as one could have written it: read again it means the same. Only secrets are
 * masked, and help texts counted.
 */
export function formatConfig(config: Config): string {
  const document = new Document(asWritten(maskSecrets(config)));
  for (const [path, unit] of unitComments) {
    const node = document.getIn(path, true);
    if (isScalar(node)) node.comment = ` ${unit}`;
  }
  const helpTexts = Object.keys(config.metricsHelp).length;
  if (helpTexts > 0 && isMap(document.contents))
    document.contents.comment = ` metricsHelp: ${helpTexts} texts`;
  return document.toString({ lineWidth: 0 });
}

/** The same configuration with tokens and passwords replaced by asterisks. */
export function maskSecrets(config: Config): Config {
  const auth = Object.fromEntries(
    Object.entries(config.muninn.auth).map(([name, secret]) => [name, masked(secret)]),
  ) as MuninnConfig["auth"];
  return { ...config, muninn: { ...config.muninn, auth } };
}

function masked(auth: EndpointAuth): EndpointAuth {
  const mask = "********";
  return "user" in auth ? { user: auth.user, password: mask } : { bearerToken: mask };
}

function asWritten(config: Config): Record<string, unknown> {
  const { endpoints, rotation, forwarding, tlsCertificate } = config;
  return defined({
    networkMagic: config.networkMagic,
    network: networkAsWritten(config.network),
    loRequestNum: config.loRequestNum,
    ekgRequestFreq: config.ekgRequestFreqMs / 1_000,
    ekgRequestFull: config.ekgRequestFull,
    hasPrometheus: endpoints.prometheus && endpointAsWritten(endpoints.prometheus),
    hasEKG: endpoints.ekg && endpointAsWritten(endpoints.ekg),
    hasTimeseries: endpoints.timeseries && endpointAsWritten(endpoints.timeseries),
    tlsCertificate,
    hasForwarding: forwarding && [
      networkAsWritten(forwarding.network),
      forwarding.prefixes ?? null,
      {
        tofQueueSize: forwarding.queueSize,
        tofVerbosity: forwarding.verbosity,
        tofMaxReconnectDelay: forwarding.maxReconnectDelayMs / 1_000,
      },
    ],
    logging: config.logging.map(({ logRoot, mode, format }) => ({
      logRoot,
      logMode: mode,
      logFormat: format,
    })),
    rotation: rotation && {
      rpFrequencySecs: rotation.frequencyMs / 1_000,
      rpLogLimitBytes: rotation.limitBytes,
      rpMaxAgeMinutes: rotation.maxAgeMs / 60_000,
      rpKeepFilesNum: rotation.keepFiles,
    },
    verbosity: config.verbosity,
    metricsNoSuffix: config.metricsNoSuffix,
    prometheusLabels: config.prometheusLabels,
    resourceFreq: config.resourceFreqMs,
    muninn: muninnAsWritten(config.muninn),
  });
}

function networkAsWritten(network: Network): object {
  return network.mode === "AcceptAt"
    ? { tag: network.mode, contents: formatAddress(network.address) }
    : { tag: network.mode, contents: network.addresses.map(formatAddress) };
}

function endpointAsWritten({ host, port, forceSsl }: Endpoint): object {
  return { epHost: host, epPort: port, epForceSSL: forceSsl };
}

function muninnAsWritten(muninn: MuninnConfig): object {
  const { registry, files, reconnect, auth } = muninn;
  const mode = (bits: number | undefined) => (bits === undefined ? undefined : formatMode(bits));
  return defined({
    registry: { maxOpenFiles: registry.maxOpenFiles, idleTimeout: formatDuration(registry.idleTimeoutMs) },
    durability: muninn.durability,
    humanLayout: muninn.humanLayout,
    files: defined({ mode: mode(files.mode), dirMode: mode(files.dirMode) }),
    socketMode: mode(muninn.socketMode),
    maxConnections: muninn.maxConnections,
    maxObjectBytes: formatSize(muninn.maxObjectBytes),
    maxAnswerBytes: formatSize(muninn.maxAnswerBytes),
    requestsAhead: muninn.requestsAhead,
    maxInFlightBytes: formatSize(muninn.maxInFlightBytes),
    handshakeTimeout: formatDuration(muninn.handshakeTimeoutMs),
    nameTimeout: formatDuration(muninn.nameTimeoutMs),
    reconnect: { initial: formatDuration(reconnect.initialMs), max: formatDuration(reconnect.maxMs) },
    health: muninn.health,
    auth: Object.fromEntries(
      Object.entries(auth).map(([name, secret]: [string, EndpointAuth]) => [
        name,
        "user" in secret ? { basic: secret } : secret,
      ]),
    ),
  });
}
