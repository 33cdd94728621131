import { expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { type Daemon, Workplace } from "./daemon.js";
import { countingNode } from "./nodes.js";

const prometheus = { epHost: "127.0.0.1", epPort: 0 };

/** What the daemon has said so many times or more. */
async function said(daemon: Daemon, event: string, times: number): Promise<void> {
  await eventually(() => expect(daemon.log.filter((line) => line.event === event)).toHaveLength(times));
}

async function served(daemon: Daemon): Promise<string> {
  const { served } = (await daemon.logged("started")) as unknown as { served: { prometheus: string } };
  return `http://${served.prometheus}`;
}

test("SIGHUP takes labels, tokens and verbosity over, names what waits, and drops no node", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({ hasPrometheus: prometheus, verbosity: "Minimum" });
  const url = await served(daemon);
  const network = { mode: "connect", address: { kind: "unix", path: place.socket } } as const;
  const node = await countingNode(network, { name: "relay", count: 10 });
  await eventually(async () => expect(await (await fetch(`${url}/targets`)).json()).toHaveLength(1));

  await place.reconfigure({
    hasPrometheus: prometheus,
    verbosity: "Maximum",
    prometheusLabels: { pool: "ravens" },
    loRequestNum: 7,
    muninn: { auth: { prometheus: { bearerToken: "secret" } } },
  });
  daemon.signal("SIGHUP");
  await daemon.logged(
    "reloaded",
    ({ fields }) => String(fields) === "verbosity,prometheusLabels,muninn.auth",
  );
  await daemon.logged("restart_needed", ({ fields }) => String(fields) === "loRequestNum");
  expect((await fetch(`${url}/targets`)).status).toBe(401);
  const shown = await fetch(`${url}/targets`, { headers: { Authorization: "Bearer secret" } });
  expect(await shown.json()).toMatchObject([{ labels: { pool: "ravens" } }]);

  await node.finished;
  expect(node.report().connections).toBe(1);
  await node.stop();
  expect(await place.linesOf("relay")).toHaveLength(10);
});

test("a reload with a broken configuration changes nothing but opens the log files anew", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({ hasPrometheus: prometheus });
  const url = await served(daemon);
  await place.reconfigure("networkMagic: [");
  daemon.signal("SIGHUP");
  const { msg } = await daemon.logged("reload_failed");
  expect(msg).toContain("config-0.json:1:");
  expect((await fetch(`${url}/livez`)).status).toBe(200);

  await place.reconfigure({ hasPrometheus: prometheus, metricsNoSuffix: true });
  daemon.signal("SIGHUP");
  await daemon.logged("reloaded", ({ fields }) => String(fields) === "metricsNoSuffix");
  await said(daemon, "reload_failed", 1);
});
