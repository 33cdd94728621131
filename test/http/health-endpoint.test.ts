import { expect, test } from "vitest";
import type { HealthReport } from "../../src/health/health-report.js";
import { openHealthEndpoint } from "../../src/http/health-endpoint.js";
import { ask } from "./clients.js";
import { anyPort, health } from "./nodes.js";

const report = (status: HealthReport["status"]): HealthReport => ({
  status,
  checks: [
    {
      name: "disk",
      state: status,
      since: "2026-11-23T15:00:00.000Z",
      reason: "2 MB free",
      action: "free some space",
    },
  ],
});

test.each([
  ["/livez", "live"],
  ["/readyz", "ready"],
  ["/healthz", "report"],
] as const)("%s answers 503 only if its report is failing", async (path, source) => {
  const reports = { [source]: report("ok") };
  const server = await openHealthEndpoint({
    endpoint: anyPort,
    field: "muninn.health",
    health: {
      live: () => health(reports).live(),
      ready: () => health(reports).ready(),
      report: () => health(reports).report(),
    },
  });
  for (const [status, code] of [
    ["ok", 200],
    ["failing", 503],
    ["degraded", 200],
  ] as const) {
    reports[source] = report(status);
    const reply = await ask(server, path);
    expect(reply.status).toBe(code);
    expect(reply.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(reply.text)).toEqual(report(status));
  }
  expect((await ask(server, "/")).status).toBe(404);
  await server.stop();
});

test("health is answered on the reserved places", async () => {
  const server = await openHealthEndpoint({
    endpoint: anyPort,
    field: "muninn.health",
    health: health(),
    limits: { maxConnections: 0, reservedConnections: 1 },
  });
  expect((await ask(server, "/healthz")).status).toBe(200);
  expect((await ask(server, "/other")).status).toBe(503);
  await server.stop();
});
