import { expect, test, vi } from "vitest";
import { parseConfig } from "../../src/config/load.js";
import { Endpoints } from "../../src/tracer-endpoints.js";

test("an answer that fails is logged with its field and path, once a minute", async () => {
  const text = JSON.stringify({
    networkMagic: 42,
    network: { tag: "AcceptAt", contents: "/run/tracer.sock" },
    logging: [{ logRoot: "/logs", logMode: "FileMode", logFormat: "ForMachine" }],
    muninn: { health: { host: "127.0.0.1", port: 0 } },
  });
  const { config } = await parseConfig(text, "config.json");
  const broken = new TypeError("no such thing");
  const fail = () => {
    throw broken;
  };
  const log = { error: vi.fn() };
  const endpoints = new Endpoints(log as never);
  await endpoints.open(config, { health: { live: fail, ready: fail, report: fail } } as never);
  for (let times = 0; times < 3; times += 1) {
    const { status } = await fetch(`http://${endpoints.served.get("health")}/healthz`);
    expect(status).toBe(500);
  }
  expect(log.error.mock.calls).toEqual([
    ["http_failed", "answering /healthz at muninn.health failed", { err: broken, path: "/healthz" }],
  ]);
  await endpoints.stop();
});
