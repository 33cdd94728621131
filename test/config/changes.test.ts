import { expect, test } from "vitest";
import { changesTo } from "../../src/config/changes.js";
import { parseConfig } from "../../src/config/load.js";
import { base } from "./configurations.js";

async function changes(before: string, after: string) {
  const running = (await parseConfig(base + before, "f")).config;
  const wanted = (await parseConfig(base + after, "f")).config;
  return { running, wanted, ...changesTo(running, wanted) };
}

test("the same configuration changes nothing", async () => {
  const { running, adopted, applied, waiting } = await changes("verbosity: Maximum", "verbosity: Maximum");
  expect(adopted).toEqual(running);
  expect([...applied, ...waiting]).toEqual([]);
});

test.each([
  ["verbosity", "verbosity: ErrorsOnly"],
  ["metricsNoSuffix", "metricsNoSuffix: true"],
  ["metricsHelp", "metricsHelp: {Mem.resident: how much}"],
  ["prometheusLabels", "prometheusLabels: {pool: ravens}"],
  ["muninn.auth", "muninn: {auth: {prometheus: {bearerToken: secret}}}"],
])("%s is taken over, both ways", async (name, text) => {
  for (const [before, after] of [
    ["", text],
    [text, ""],
  ] as const) {
    const { wanted, adopted, applied, waiting } = await changes(before, after);
    expect(applied).toEqual([name]);
    expect(waiting).toEqual([]);
    expect(adopted).toEqual(wanted);
  }
});

test.each([
  ["loRequestNum", "loRequestNum: 7"],
  ["ekgRequestFreq", "ekgRequestFreq: 7"],
  ["hasPrometheus", "hasPrometheus: {epHost: localhost, epPort: 3000}"],
  ["hasEKG", "hasEKG: {epHost: localhost, epPort: 3000}"],
  ["rotation", "rotation: {rpFrequencySecs: 1, rpLogLimitBytes: 1, rpMaxAgeHours: 1, rpKeepFilesNum: 1}"],
  ["resourceFreq", "resourceFreq: 1000"],
  ["muninn.requestsAhead", "muninn: {requestsAhead: 3}"],
  ["muninn.durability", "muninn: {durability: disk}"],
  ["muninn.health", "muninn: {health: {host: localhost, port: 3000}}"],
])("%s waits for a restart", async (name, text) => {
  const { running, adopted, applied, waiting } = await changes("", text);
  expect(waiting).toEqual([name]);
  expect(applied).toEqual([]);
  expect(adopted).toEqual(running);
});

test("what waits for a restart still waits at the next reload", async () => {
  const { adopted, wanted } = await changes("", "loRequestNum: 7\nverbosity: Maximum");
  expect(changesTo(adopted, wanted)).toMatchObject({ applied: [], waiting: ["loRequestNum"] });
});
