import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseConfig } from "../../src/config/load.js";
import { placesWithin } from "../../src/http/places.js";
import { InnerNodes } from "../../src/inner-nodes/inner-nodes.js";
import type { OtlpIn, OtlpInSettings } from "../../src/otlp-in/otlp-in.js";
import { readOpenFilesLimit } from "../../src/registry/process-limit.js";
import { loadOtlpIn, otlpInView } from "../../src/tracer-otlp-in.js";

// What OTLP asks the sessions of nodes, whose limits are its own, too.

const maxInFlightBytes = 2 ** 20;

const given = vi.hoisted(() => [] as OtlpInSettings[]);
vi.mock("../../src/otlp-in/otlp-in.js", async (original) => {
  const module = await original<typeof import("../../src/otlp-in/otlp-in.js")>();
  class Watched extends module.OtlpIn {
    constructor(settings: OtlpInSettings) {
      super(settings);
      given.push(settings);
    }
  }
  return { ...module, OtlpIn: Watched };
});

let directory: string;
let opened: OtlpIn | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-otlp-"));
});
afterEach(async () => {
  await opened?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Opens it with these sessions; resolves with a function that posts to it. */
async function postingTo(sessions: object): Promise<(body: string) => Promise<Response>> {
  const text = JSON.stringify({
    networkMagic: 42,
    network: { tag: "AcceptAt", contents: join(directory, "tracer.sock") },
    logging: [{ logRoot: join(directory, "logs"), logMode: "FileMode", logFormat: "ForMachine" }],
    muninn: { otlp: { host: "127.0.0.1", port: 0 }, maxInFlightBytes },
  });
  const { config } = await parseConfig(text, join(directory, "config.json"));
  const log = { info: () => {}, warning: () => {} };
  opened = await loadOtlpIn(config, { sessions, innerNodes: new InnerNodes(), log } as never);
  await opened!.open();
  const url = `http://${opened!.served.get("otlp")}/v1/logs`;
  return (body) => fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
}

test("what nodes hold leaves no room for requests, up to muninn.maxInFlightBytes together", async () => {
  const flight = { heldBytes: maxInFlightBytes - 1 };
  const post = await postingTo({ flight });
  expect((await post("{")).status).toBe(400);
  flight.heldBytes = maxInFlightBytes;
  expect((await post("{")).status).toBe(429);
});

test("whether a resource may come is asked with its name and the client's address", async () => {
  const asked: string[][] = [];
  const post = await postingTo({
    flight: { heldBytes: 0 },
    admitsName: async (...who: string[]) => {
      asked.push(who);
      return false;
    },
  });
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] };
  const answer = await post(
    JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords: [{}] }] }] }),
  );
  expect(await answer.json()).toMatchObject({ partialSuccess: { rejectedLogRecords: "1" } });
  expect(asked).toEqual([["shop", "127.0.0.1"]]);
});

test("requests may hold half of the peers' memory, and a server has as many connections as any endpoint", async () => {
  await postingTo({ flight: { heldBytes: 0 } });
  expect(given.at(-1)).toMatchObject({
    maxBytes: maxInFlightBytes / 2,
    maxObjectBytes: 16 * 2 ** 20,
    maxMetricsPerNode: 10_000,
    maxConnections: placesWithin(readOpenFilesLimit()).maxConnections,
  });
});

test("health is told how many resources send, and when one was last refused", () => {
  const view = otlpInView({ stats: () => ({ resources: 3, sinceBusyMs: 7 }) } as never);
  expect([view.resources(), view.sinceBusyMs()]).toEqual([3, 7]);
});
