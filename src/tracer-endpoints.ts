import type { Config } from "./config/config.js";
import type { HealthSource } from "./health/health-report.js";
import type { EndpointOptions } from "./http/endpoint-options.js";
import type { EndpointServer } from "./http/endpoint-server.js";
import type { NodesView } from "./http/nodes-view.js";
import type { PrometheusOptions } from "./http/prometheus-endpoint.js";
import type { Log } from "./log/log.js";
import type { OwnMetrics } from "./metrics/own-metrics.js";

export interface EndpointSources {
  readonly nodes: NodesView;
  readonly health: HealthSource;
  readonly own: OwnMetrics;
}

/** An open endpoint. */
interface TracerEndpoint {
  readonly server: EndpointServer;
  /** Takes over what of the configuration can change. @throws HttpError where certificates are unusable */
  reload(config: Config): Promise<void>;
}

/** The HTTP endpoints of the configuration, by their names. */
export type Endpoints = ReadonlyMap<string, TracerEndpoint>;

/** Opens every endpoint of the configuration, or none. @throws HttpError which names the field */
export async function openEndpoints(config: Config, log: Log, sources: EndpointSources): Promise<Endpoints> {
  const { endpoints, muninn } = config;
  const opened = new Map<string, TracerEndpoint>();
  const onError = (field: string) => (err: unknown, path: string) =>
    log.error("http_failed", `answering ${path} at ${field} failed`, { err, path });
  // What is not served is not loaded: the libraries behind an endpoint are much of what a start takes.
  try {
    if (endpoints.prometheus !== undefined) {
      const { openPrometheusEndpoint, prometheusRoute } = await import("./http/prometheus-endpoint.js");
      const server = await openPrometheusEndpoint({
        ...prometheusOptions(config, sources),
        ...accessTo(config, "prometheus"),
        endpoint: endpoints.prometheus,
        field: "hasPrometheus",
        onError: onError("hasPrometheus"),
      });
      const reload = (now: Config) =>
        server.reload({
          ...accessTo(now, "prometheus"),
          route: prometheusRoute(prometheusOptions(now, sources)),
        });
      opened.set("prometheus", { server, reload });
    }
    if (endpoints.ekg !== undefined) {
      const { openEkgEndpoint } = await import("./http/ekg-endpoint.js");
      const server = await openEkgEndpoint({
        ...accessTo(config, "ekg"),
        nodes: sources.nodes,
        endpoint: endpoints.ekg,
        field: "hasEKG",
        onError: onError("hasEKG"),
      });
      opened.set("ekg", { server, reload: (now) => server.reload(accessTo(now, "ekg")) });
    }
    if (muninn.health !== undefined) {
      const { openHealthEndpoint } = await import("./http/health-endpoint.js");
      const server = await openHealthEndpoint({
        ...accessTo(config, "health"),
        health: sources.health,
        endpoint: { ...muninn.health, forceSsl: false },
        field: "muninn.health",
        onError: onError("muninn.health"),
      });
      opened.set("health", { server, reload: (now) => server.reload(accessTo(now, "health")) });
    }
  } catch (error) {
    await stopEndpoints(opened);
    throw error;
  }
  return opened;
}

/** Idempotent. */
export async function stopEndpoints(endpoints: Endpoints): Promise<void> {
  await Promise.all([...endpoints.values()].map(({ server }) => server.stop()));
}

function prometheusOptions(config: Config, { nodes, health, own }: EndpointSources): PrometheusOptions {
  return {
    nodes,
    health,
    self: (format) => own.exposition(format),
    metricsNoSuffix: config.metricsNoSuffix,
    metricsHelp: config.metricsHelp,
    prometheusLabels: config.prometheusLabels,
    onCollided: (names) => own.namesLeftOut(names),
  };
}

/** How an endpoint is spoken to, and by whom. */
function accessTo(
  { tlsCertificate, muninn }: Config,
  endpoint: keyof Config["muninn"]["auth"],
): Pick<EndpointOptions, "tlsCertificate" | "auth"> {
  const auth = muninn.auth[endpoint];
  return { ...(tlsCertificate !== undefined && { tlsCertificate }), ...(auth !== undefined && { auth }) };
}
