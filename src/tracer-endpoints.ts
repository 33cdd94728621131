import type { Config, Endpoint, EndpointAuth } from "./config/config.js";
import type { HealthSource } from "./health/health-report.js";
import type { EndpointOptions } from "./http/endpoint-options.js";
import type { EndpointServer } from "./http/endpoint-server.js";
import type { NodesView } from "./http/nodes-view.js";
import type { Log } from "./log/log.js";
import type { OwnMetrics } from "./metrics/own-metrics.js";

export interface EndpointSources {
  readonly nodes: NodesView;
  readonly health: HealthSource;
  readonly own: OwnMetrics;
}

/** The HTTP endpoints of the configuration, by their names. */
export type Endpoints = ReadonlyMap<string, EndpointServer>;

/** Opens every endpoint of the configuration, or none. @throws HttpError which names the field */
export async function openEndpoints(config: Config, log: Log, sources: EndpointSources): Promise<Endpoints> {
  const { endpoints, muninn, tlsCertificate } = config;
  const { nodes, health, own } = sources;
  const opened = new Map<string, EndpointServer>();
  const options = (field: string, endpoint: Endpoint, auth: EndpointAuth | undefined): EndpointOptions => ({
    endpoint,
    field,
    ...(tlsCertificate !== undefined && { tlsCertificate }),
    ...(auth !== undefined && { auth }),
    onError: (err, path) => log.error("http_failed", `answering ${path} at ${field} failed`, { err, path }),
  });
  // What is not served is not loaded: the libraries behind an endpoint are much of what a start takes.
  try {
    if (endpoints.prometheus !== undefined) {
      const { openPrometheusEndpoint } = await import("./http/prometheus-endpoint.js");
      const server = await openPrometheusEndpoint({
        ...options("hasPrometheus", endpoints.prometheus, muninn.auth.prometheus),
        nodes,
        health,
        self: (format) => own.exposition(format),
        metricsNoSuffix: config.metricsNoSuffix,
        metricsHelp: config.metricsHelp,
        prometheusLabels: config.prometheusLabels,
        onCollided: (names) => own.namesLeftOut(names),
      });
      opened.set("prometheus", server);
    }
    if (endpoints.ekg !== undefined) {
      const { openEkgEndpoint } = await import("./http/ekg-endpoint.js");
      const server = await openEkgEndpoint({ ...options("hasEKG", endpoints.ekg, muninn.auth.ekg), nodes });
      opened.set("ekg", server);
    }
    if (muninn.health !== undefined) {
      const { openHealthEndpoint } = await import("./http/health-endpoint.js");
      const endpoint = { ...muninn.health, forceSsl: false };
      const server = await openHealthEndpoint({
        ...options("muninn.health", endpoint, muninn.auth.health),
        health,
      });
      opened.set("health", server);
    }
  } catch (error) {
    await stopEndpoints(opened);
    throw error;
  }
  return opened;
}

/** Idempotent. */
export async function stopEndpoints(endpoints: Endpoints): Promise<void> {
  await Promise.all([...endpoints.values()].map((server) => server.stop()));
}
