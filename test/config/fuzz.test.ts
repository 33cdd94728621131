import fc from "fast-check";
import { expect, test } from "vitest";
import { fieldNames } from "../../src/config/field-names.js";
import { formatConfig } from "../../src/config/format.js";
import { parseConfig } from "../../src/config/load.js";
import { ConfigError } from "../../src/config/problem.js";
import { base } from "./configurations.js";

/** Any text gives a configuration or an error that says what is wrong with it. */
async function isTakenOrRefused(text: string): Promise<void> {
  try {
    const { config } = await parseConfig(text, "f");
    const printed = formatConfig(config);
    const hasSecrets = Object.keys(config.muninn.auth).length > 0;
    if (!hasSecrets) expect((await parseConfig(printed, "f")).config).toEqual(config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
  }
}

const keys = fc.constantFrom(...new Set(fieldNames().flatMap((name) => name.split(/[.[\]]+/))));

/** Values of which many are almost valid. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(
      "AcceptAt",
      "ConnectTo",
      "FileMode",
      "ForHuman",
      "/a",
      "a:1",
      "30s",
      "16MiB",
      "0640",
      true,
      false,
      null,
    ),
    fc.integer(),
    fc.double(),
    fc.string({ unit: "binary" }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(keys, fc.string()), tie("value"), { maxKeys: 8 }),
  ),
}));

test("any text gives a configuration or a ConfigError", async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: "binary", maxLength: 300 }), isTakenOrRefused), {
    numRuns: 500,
  });
});

test("any text of YAML's special characters gives a configuration or a ConfigError", async () => {
  const unit = fc.constantFrom(..."ab:-?[]{},&*!|>%@`#'\"\\\n\t \r<0~=.", "---", "...", "<<", "muninn");
  await fc.assert(fc.asyncProperty(fc.string({ unit, maxLength: 120 }), isTakenOrRefused), {
    numRuns: 1_000,
  });
});

test("any text after a whole configuration gives a configuration or a ConfigError", async () => {
  const unit = fc.constantFrom(..."ab:-?[]{},&*!|>#'\" \n", "muninn", "hasEKG", "epPort", "null");
  const property = fc.asyncProperty(fc.string({ unit, maxLength: 120 }), (text) =>
    isTakenOrRefused(base + text),
  );
  await fc.assert(property, { numRuns: 500 });
});

test("any JSON gives a configuration or a ConfigError", async () => {
  await fc.assert(
    fc.asyncProperty(value, (json) => isTakenOrRefused(JSON.stringify(json))),
    { numRuns: 1_000 },
  );
});

test("any values of the fields give a configuration or a ConfigError", async () => {
  const names = fieldNames().filter((name) => !/[.[]/.test(name));
  const fields = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 20 });
  await fc.assert(
    fc.asyncProperty(fields, (json) => isTakenOrRefused(JSON.stringify(json))),
    { numRuns: 1_000 },
  );
});

test("any configuration, printed and read again, means the same", async () => {
  const ms = fc.integer({ min: 1, max: 10 ** 9 });
  const port = fc.constant(0);
  const endpoint = fc.record(
    { epHost: fc.constantFrom("*", "[::1]", "localhost"), epPort: port, epForceSSL: fc.constant(null) },
    { requiredKeys: ["epHost", "epPort"] },
  );
  const address = fc.constantFrom("/run/a.sock", "relative.sock", "[::1]:3001", "host:0");
  const networkWith = (acceptAt: string[]) =>
    fc.oneof(
      fc.record({ tag: fc.constant("AcceptAt"), contents: fc.constantFrom(...acceptAt) }),
      fc.record({ tag: fc.constant("ConnectTo"), contents: fc.array(address, { minLength: 1 }) }),
    );
  const texts = fc.dictionary(fc.constantFrom("a", "_b", "no", "C9"), fc.string());
  const section = fc.record({
    logRoot: fc.constantFrom("logs", "/other"),
    logMode: fc.constant("FileMode"),
    logFormat: fc.constantFrom("ForHuman", "ForMachine"),
  });
  const size = fc.constantFrom(2_097_151, "3MiB", "2048 KiB");
  const configurations = fc.record(
    {
      networkMagic: fc.nat(),
      network: networkWith(["/run/a.sock", "relative.sock", "[::1]:3001", "host:0"]),
      logging: fc.array(section, { minLength: 1 }),
      ekgRequestFreq: ms.map((n) => n / 1_000),
      hasPrometheus: endpoint,
      hasEKG: fc.oneof(endpoint, fc.array(endpoint, { minLength: 1 })),
      hasForwarding: fc.tuple(
        networkWith(["/run/b.sock", "[::1]:3002", "host:0"]),
        fc.option(fc.array(fc.array(fc.constantFrom("ChainDB", "Net.Mux")))),
        fc.option(fc.record({ tofQueueSize: fc.integer({ min: 1, max: 99 }) }, { requiredKeys: [] })),
      ),
      rotation: fc.record(
        {
          rpLogLimitBytes: fc.integer({ min: 1 }),
          rpKeepFilesNum: fc.nat(),
          rpMaxAgeMinutes: fc.nat(),
          rpMaxAgeHours: fc.option(fc.nat()),
          rpFrequencySecs: fc.integer({ min: 1 }),
        },
        { requiredKeys: ["rpLogLimitBytes", "rpKeepFilesNum"] },
      ),
      metricsHelp: fc.oneof(texts, fc.constant("/none/help.json")),
      prometheusLabels: texts,
      resourceFreq: ms,
      muninn: fc.record(
        {
          registry: fc.record({ idleTimeout: ms.map((n) => `${n}ms`) }),
          files: fc.record({ mode: fc.constantFrom("0600", "0o644") }),
          maxAnswerBytes: size,
          maxDataPointBytes: size,
          nameTimeout: ms.map((n) => n / 1_000),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ["networkMagic", "network", "logging"] },
  );
  await fc.assert(
    fc.asyncProperty(configurations, async (given) => {
      const { config } = await parseConfig(JSON.stringify(given), "f");
      expect((await parseConfig(formatConfig(config), "f")).config).toEqual(config);
    }),
  );
});
