import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { StreamReader } from "../../src/collect/stream-reader.js";
import { parseConfig } from "../../src/config/load.js";
import { CollectPlace } from "./test-collector.js";

/** Nobody listens there: what is tested here needs no server. */
const nowhere = "nats://127.0.0.1:1";

test("a reload brings rotation, authorization of endpoints and credentials for the servers into effect", async () => {
  await using place = await CollectPlace.open();
  const collector = await place.start(nowhere);
  const page = () => fetch(`http://${collector.served.get("prometheus")}/healthz`);
  expect((await page()).status).not.toBe(401);
  const changed = {
    ...place.config,
    rotation: { rpFrequencySecs: 7, rpLogLimitBytes: 12_345, rpKeepFilesNum: 3 },
    muninn: { auth: { prometheus: { bearerToken: "a-token-of-16-chars" } } },
  };
  const { config } = await parseConfig(JSON.stringify(changed), "f");
  const setRotation = vi.spyOn(collector.registry, "setRotation");
  const use = vi.spyOn(StreamReader.prototype, "use");
  await collector.reload(config);
  expect(setRotation).toHaveBeenCalledWith(config.rotation);
  expect(use).toHaveBeenCalledTimes(1);
  expect((await page()).status).toBe(401);
});

test("a collector has the same id after a restart, so that it need not wait for its own leases", async () => {
  await using place = await CollectPlace.open();
  const id = () => readFile(join(place.logRoot, ".muninn/collect/TRACES/id"), "utf8");
  await (await place.start(nowhere)).stop();
  const first = await id();
  expect(first).toMatch(/^[0-9a-f-]{36}$/);
  await (await place.start(nowhere)).stop();
  expect(await id()).toBe(first);
});
