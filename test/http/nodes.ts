import type { HealthReport, HealthSource } from "../../src/health/health-report.js";
import type { NodesView, ViewedNode } from "../../src/http/nodes-view.js";
import type { PrometheusOptions } from "../../src/http/prometheus-endpoint.js";
import { type MetricSet, metricsOf } from "../metrics/node/metric-sets.js";

/** An endpoint on a port that the system chooses. */
export const anyPort = { host: "127.0.0.1", port: 0, forceSsl: false };

export function viewedNode(name: string, slug: string, set: MetricSet = []): ViewedNode {
  return { node: { connectionId: `unix-${slug}`, name, directory: name, slug }, metrics: metricsOf(set) };
}

/** A view of a list that tests may change. */
export function viewOf(nodes: ViewedNode[]): NodesView {
  return {
    nodes: () => nodes,
    bySlug: (slug) => nodes.find(({ node }) => node.slug === slug),
  };
}

export const healthy: HealthReport = { status: "ok", checks: [] };

export function health(
  reports: Partial<Record<"live" | "ready" | "report", HealthReport>> = {},
): HealthSource {
  return {
    live: () => reports.live ?? healthy,
    ready: () => reports.ready ?? healthy,
    report: () => reports.report ?? healthy,
  };
}

export function prometheusOptions(nodes: ViewedNode[]): PrometheusOptions {
  return {
    nodes: viewOf(nodes),
    health: health(),
    self: async (format) => ({ contentType: "text/plain", body: `own metrics as ${format}\n` }),
    metricsNoSuffix: false,
    metricsHelp: {},
    prometheusLabels: {},
    instanceLabel: false,
    isSecure: false,
  };
}
