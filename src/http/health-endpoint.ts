import type { HealthSource } from "../health/health-report.js";
import type { EndpointOptions } from "./endpoint-options.js";
import { type EndpointServer, openEndpointServer } from "./endpoint-server.js";
import { healthRoute, isHealthPath } from "./health-routes.js";

/** Serves `/livez`, `/readyz` and `/healthz` at their own address. */
export function openHealthEndpoint(
  options: EndpointOptions & { readonly health: HealthSource },
): Promise<EndpointServer> {
  return openEndpointServer({
    ...options,
    limits: { ...options.limits, maxConnections: Math.min(64, options.limits?.maxConnections ?? 64) },
    route: ({ path }) => healthRoute(path, options.health),
    isUrgent: isHealthPath,
  });
}
