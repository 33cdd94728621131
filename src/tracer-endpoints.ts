import { STATUS_CODES } from "node:http";
import { readCertificate, type TlsMaterial } from "./config/certificate.js";
import type { Config, Endpoint } from "./config/config.js";
import type { Log } from "./daemon/log/log.js";
import { defined } from "./fields/defined.js";
import type { HealthSource } from "./health/health-report.js";
import { BodyBudget } from "./http/body-budget.js";
import type { ClosedReason, EndpointOptions, Route } from "./http/endpoint-options.js";
import type { EndpointServer } from "./http/endpoint-server.js";
import type { NodesView } from "./http/nodes-view.js";
import { filesOf, placesWithin } from "./http/places.js";
import type { PrometheusOptions } from "./http/prometheus-endpoint.js";
import type { OwnEvents } from "./metrics/own/events.js";
import type { OwnMetrics } from "./metrics/own/own-metrics.js";
import type { EndpointReading } from "./metrics/own/reading.js";
import { readOpenFilesLimit } from "./registry/process-limit.js";
import { RateLimitedLines, times } from "./text/rate-limited-lines.js";
import type { AskableNodes } from "./timeseries/http/node-routes.js";
import type { Timeseries } from "./timeseries/timeseries.js";
import type { UiOptions } from "./ui/ui-endpoint.js";

/** Most characters of a client's path in a log line. */
const maxPathLength = 200;
/** Most bytes of answers that are being made or not yet read, at all endpoints together. */
const maxAnswerBytes = 67_108_864;

const closedWords: Readonly<Record<ClosedReason, string>> = {
  "gave-way": "there are too many, and it had been idle for longest",
  "no-place": "there are too many, and all are being answered",
  tls: "its TLS handshake failed",
};

export interface EndpointSources {
  readonly nodes: NodesView & AskableNodes;
  readonly health: HealthSource;
  readonly own: OwnMetrics;
  readonly events: OwnEvents;
  /** Present if `hasTimeseries` is. */
  readonly timeseries: Timeseries | undefined;
  /** Present if `muninn.ui` is. */
  readonly ui: Pick<UiOptions, "sources" | "sink"> | undefined;
}

/** The HTTP endpoints of the configuration. */
export class Endpoints {
  readonly #log: Log;
  /** From `open` on. */
  #sources!: EndpointSources;
  readonly #servers = new Map<keyof Config["muninn"]["auth"], EndpointServer>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Opens every endpoint of the configuration, or none. @throws HttpError which names the field, CertificateError */
  async open(config: Config, sources: EndpointSources): Promise<void> {
    this.#sources = sources;
    try {
      await this.#open(config, this.#log);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Where each is served, `host:port`, by name: `prometheus`, `ekg`, `timeseries`, `health`, `ui`. */
  get served(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#servers].map(([name, { address }]) => [name, `${address.host}:${address.port}`]),
    );
  }

  /** Each endpoint's counts so far. */
  readings(): EndpointReading[] {
    return [...this.#servers].map(([endpoint, server]) => ({ endpoint, ...server.stats() }));
  }

  /**
   * Reads certificates again; resolves with a function that applies them, secrets, labels, help texts and the form of names.
   *
   * @throws CertificateError
   */
  async readChange(config: Config): Promise<() => void> {
    const tls = await tlsOf(config);
    const { prometheusRoute } = await import("./http/prometheus-endpoint.js");
    const changes: (() => void)[] = [];
    for (const [name, server] of this.#servers) {
      const change = {
        ...defined({ tls, auth: config.muninn.auth[name] }),
        ...(name === "prometheus" && { route: prometheusRoute(this.#prometheus(config)) }),
        ...(name === "timeseries" && { route: await this.#timeseriesRoute(config) }),
      };
      changes.push(() => server.reload(change));
    }
    return () => {
      for (const change of changes) change();
    };
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop()));
  }

  async #open(config: Config, log: Log): Promise<void> {
    const { endpoints, muninn } = config;
    const tls = await tlsOf(config);
    const lines = new RateLimitedLines();
    const budget = new BodyBudget({ maxBytes: maxAnswerBytes });
    const options = (field: string, endpoint: Endpoint, name: keyof typeof muninn.auth): EndpointOptions => ({
      endpoint,
      field,
      ...defined({ tls, auth: muninn.auth[name] }),
      limits: placesWithin(readOpenFilesLimit()),
      // Health has room whatever others request and do not read.
      ...(name !== "health" && { budget }),
      onError: (err, path) =>
        lines.say("http", field, (count) => {
          // A client's text, of any length.
          const shown = path.slice(0, maxPathLength);
          log.error("http_failed", `answering ${shown} at ${field} failed${times(count)}`, {
            err,
            path: shown,
          });
        }),
      onRefused: (status, host) =>
        lines.say(`refused ${field} ${status}`, host, (count) =>
          log.warning(
            "http_refused",
            `a request of ${host} at ${field} was refused: ${status} ${STATUS_CODES[status]}${times(count)}`,
            { endpoint: name, status, host, count },
          ),
        ),
      onClosed: (reason, host) =>
        lines.say(`closed ${field} ${reason}`, host, (count) =>
          log.info(
            "http_connection_closed",
            `a connection of ${host} at ${field} was closed: ${closedWords[reason]}${times(count)}`,
            { endpoint: name, reason, host, count },
          ),
        ),
    });
    // Only what is served is loaded: an endpoint's libraries take much of the start.
    if (endpoints.prometheus !== undefined) {
      const { openPrometheusEndpoint } = await import("./http/prometheus-endpoint.js");
      const server = await openPrometheusEndpoint({
        ...options("hasPrometheus", endpoints.prometheus, "prometheus"),
        ...this.#prometheus(config),
      });
      this.#servers.set("prometheus", server);
    }
    const { nodes, health } = this.#sources;
    if (endpoints.ekg !== undefined) {
      const { openEkgEndpoint } = await import("./http/ekg-endpoint.js");
      const server = await openEkgEndpoint({ ...options("hasEKG", endpoints.ekg, "ekg"), nodes });
      this.#servers.set("ekg", server);
    }
    const { timeseries } = this.#sources;
    if (endpoints.timeseries !== undefined && timeseries !== undefined) {
      const { openTimeseriesEndpoint } = await import("./timeseries/http/timeseries-endpoint.js");
      const server = await openTimeseriesEndpoint({
        ...options("hasTimeseries", endpoints.timeseries, "timeseries"),
        timeseries,
        nodes,
        leastRetentionMs: config.ekgRequestFreqMs,
      });
      this.#servers.set("timeseries", server);
    }
    if (muninn.health !== undefined) {
      const { openHealthEndpoint } = await import("./http/health-endpoint.js");
      const endpoint = { ...muninn.health, forceSsl: false };
      const server = await openHealthEndpoint({ ...options("muninn.health", endpoint, "health"), health });
      this.#servers.set("health", server);
    }
    const { ui } = this.#sources;
    if (muninn.ui !== undefined && ui !== undefined) {
      const { openUiEndpoint } = await import("./ui/ui-endpoint.js");
      const endpoint = { ...muninn.ui, forceSsl: false };
      this.#servers.set("ui", await openUiEndpoint({ ...options("muninn.ui", endpoint, "ui"), ...ui }));
    }
  }

  async #timeseriesRoute({ ekgRequestFreqMs: leastRetentionMs }: Config): Promise<Route> {
    const { timeseriesRoute } = await import("./timeseries/http/timeseries-endpoint.js");
    const { nodes, timeseries } = this.#sources;
    return timeseriesRoute({ timeseries: timeseries!, nodes, leastRetentionMs });
  }

  #prometheus(config: Config): PrometheusOptions {
    const { metricsNoSuffix, metricsHelp, prometheusLabels } = config;
    const { nodes, health, own, events } = this.#sources;
    return {
      nodes,
      health,
      self: (format) => own.exposition(format),
      metricsNoSuffix,
      metricsHelp,
      prometheusLabels,
      instanceLabel: config.muninn.prometheus.instanceLabel,
      isSecure: config.endpoints.prometheus?.forceSsl === true,
      onCollided: (names) => events.namesLeftOut(names),
    };
  }
}

/** How many of this many files the endpoints of a configuration may have open. */
export function filesOfEndpoints({ endpoints, muninn }: Config, openFiles: number): number {
  const { prometheus, ekg, timeseries } = endpoints;
  const { otlp, health, ui } = muninn;
  const opened = [prometheus, ekg, timeseries, health, ui, otlp, otlp?.grpcPort].filter(
    (endpoint) => endpoint !== undefined,
  );
  return filesOf(opened.length, openFiles);
}

/** Read only if an endpoint requires TLS. */
async function tlsOf({ endpoints, tlsCertificate }: Config): Promise<TlsMaterial | undefined> {
  const isNeeded = Object.values(endpoints).some(({ forceSsl }) => forceSsl);
  return isNeeded && tlsCertificate !== undefined ? readCertificate(tlsCertificate) : undefined;
}
