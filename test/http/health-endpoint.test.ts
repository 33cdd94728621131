import { expect, test } from "vitest";
import type { HealthReport } from "../../src/health/health-report.js";
import { openHealthEndpoint } from "../../src/http/health-endpoint.js";
import { ask, rawConnection } from "./clients.js";
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

test("a client that does not read health gives its place to others before a second is over", async () => {
  const long = { ...report("ok"), checks: [{ ...report("ok").checks[0]!, reason: "r".repeat(20_000_000) }] };
  const server = await openHealthEndpoint({
    endpoint: anyPort,
    field: "muninn.health",
    health: health({ report: long }),
    limits: { maxConnections: 1, reservedConnections: 0 },
  });
  const client = await rawConnection(server, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  client.on("error", () => {}).pause();
  const status = () =>
    ask(server, "/livez").then(
      (reply) => reply.status,
      () => "refused",
    );
  await expect.poll(() => server.stats().answers.get(200)).toBe(1);
  expect(await status()).toBe("refused");
  await expect.poll(status, { timeout: 900 }).toBe(200);
  client.destroy();
  await server.stop();
});
