import { resolve } from "node:path";
import { expect, test } from "vitest";
import { formatConfig, maskSecrets } from "../../src/config/format.js";
import { parseConfig } from "../../src/config/load.js";
import { base } from "./configurations.js";

async function configOf(fields: string) {
  return (await parseConfig(`${base}${fields}`, "f")).config;
}

test("a minimal configuration has every default", async () => {
  expect(await configOf("")).toEqual({
    networkMagic: 764_824_073,
    network: { mode: "AcceptAt", address: { kind: "unix", path: "/run/muninn.sock" } },
    loRequestNum: 100,
    ekgRequestFreqMs: 1_000,
    ekgRequestFull: false,
    endpoints: {},
    logging: [{ logRoot: "/logs", mode: "FileMode", format: "ForMachine" }],
    metricsNoSuffix: false,
    metricsHelp: {},
    prometheusLabels: {},
    muninn: expect.objectContaining({
      registry: { maxOpenFiles: 4_096, idleTimeoutMs: 30_000 },
      files: {},
      maxMetricsBytes: 2 ** 20,
      maxDataPointBytes: 2 ** 18,
      maxMetricsPerNode: 10_000,
      auth: {},
    }),
  });
});

test.each([
  ["ekgRequestFreq: 0.25", { ekgRequestFreqMs: 250 }],
  ["ekgRequestFreq: 0.0001", { ekgRequestFreqMs: 1 }],
  ["ekgRequestFreq: null", { ekgRequestFreqMs: 1_000 }],
  ["ekgRequestFull: yes", { ekgRequestFull: true }],
  [
    "hasEKG: {epHost: '*', epPort: 1, epForceSSL: null}",
    { endpoints: { ekg: { host: "0.0.0.0", port: 1, forceSsl: false } } },
  ],
  ["hasEKG: {epHost: '[::1]', epPort: 1}", { endpoints: { ekg: { host: "::1", port: 1 } } }],
  ["hasTimeseries: {epHost: a, epPort: 1}", { endpoints: { timeseries: { host: "a", port: 1 } } }],
  [
    "tlsCertificate: {certificateFile: c.pem, certificateKeyFile: /k.pem}",
    {
      tlsCertificate: {
        certificateFile: resolve("c.pem"),
        certificateKeyFile: "/k.pem",
        certificateChain: [],
      },
    },
  ],
  [
    "rotation: {rpLogLimitBytes: 5, rpKeepFilesNum: 0}",
    { rotation: { frequencyMs: 60_000, limitBytes: 5, maxAgeMs: 24 * 3_600_000, keepFiles: 0 } },
  ],
  [
    "rotation: {rpLogLimitBytes: 5, rpKeepFilesNum: 1, rpMaxAgeHours: 2}",
    { rotation: { maxAgeMs: 2 * 3_600_000 } },
  ],
  [
    "rotation: {rpLogLimitBytes: 5, rpKeepFilesNum: 1, rpMaxAgeHours: 2, rpMaxAgeMinutes: 3}",
    { rotation: { maxAgeMs: 3 * 60_000 } },
  ],
  [
    "rotation: {rpLogLimitBytes: 5, rpKeepFilesNum: 1, rpFrequencySecs: 4294967295}",
    { rotation: { frequencyMs: 2_147_483_000 } },
  ],
  ["verbosity: ErrorsOnly", { verbosity: "ErrorsOnly" }],
  ["metricsHelp: {a: b}", { metricsHelp: { a: "b" } }],
  ["prometheusLabels: {a: b}", { prometheusLabels: { a: "b" } }],
  ["resourceFreq: 5", { resourceFreqMs: 5 }],
  [
    "hasForwarding: [{tag: ConnectTo, contents: ['a:1']}, [[A, B]], {}]",
    {
      forwarding: {
        network: { mode: "ConnectTo" },
        prefixes: [["A", "B"]],
        queueSize: 192,
        verbosity: "Minimum",
        maxReconnectDelayMs: 45_000,
      },
    },
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, [], null]",
    { forwarding: { prefixes: [], queueSize: 192, verbosity: "Minimum", maxReconnectDelayMs: 45_000 } },
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, null, {queueSize: 7, verbosity: Maximum, maxReconnectDelay: 30}]",
    { forwarding: { queueSize: 7, verbosity: "Maximum", maxReconnectDelayMs: 30_000 } },
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, null, {tofQueueSize: 7, tofVerbosity: Maximum, tofMaxReconnectDelay: 30}]",
    { forwarding: { queueSize: 7, verbosity: "Maximum", maxReconnectDelayMs: 30_000 } },
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, null, {queueSize: 7, tofQueueSize: 8, connQueueSize: 9}]",
    { forwarding: { queueSize: 7 } },
  ],
  ["hasForwarding: [{tag: AcceptAt, contents: /b}, null, {queueSize: 0}]", { forwarding: { queueSize: 1 } }],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, null, {connQueueSize: 500}]",
    { forwarding: { queueSize: 500 } },
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, null, {connQueueSize: 64}]",
    { forwarding: { queueSize: 192 } },
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, null, {disconnQueueSize: 64}]",
    { forwarding: { queueSize: 128 } },
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, null, {connQueueSize: 64, disconnQueueSize: 100}]",
    { forwarding: { queueSize: 100 } },
  ],
  [
    "muninn: {registry: {idleTimeout: 0}}",
    { muninn: { registry: { idleTimeoutMs: 0, maxOpenFiles: 4_096 } } },
  ],
  ["muninn: {registry: {idleTimeout: 500ms}}", { muninn: { registry: { idleTimeoutMs: 500 } } }],
  ["muninn: {nameTimeout: 1.5}", { muninn: { nameTimeoutMs: 1_500 } }],
  ["muninn: {nameTimeout: 2m}", { muninn: { nameTimeoutMs: 120_000 } }],
  ["muninn: {handshakeTimeout: 900h}", { muninn: { handshakeTimeoutMs: 2_147_483_000 } }],
  ["muninn: {maxObjectBytes: 65536}", { muninn: { maxObjectBytes: 65_536 } }],
  ["muninn: {maxMetricsBytes: 64 KiB}", { muninn: { maxMetricsBytes: 65_536, maxDataPointBytes: 262_144 } }],
  ["muninn: {maxAnswerBytes: 64 KiB}", { muninn: { maxMetricsBytes: 65_536, maxDataPointBytes: 65_536 } }],
  [
    "muninn: {maxAnswerBytes: 64 KiB, maxDataPointBytes: 2KiB}",
    { muninn: { maxMetricsBytes: 65_536, maxDataPointBytes: 2_048 } },
  ],
  ["muninn: {maxInFlightBytes: 1GiB}", { muninn: { maxInFlightBytes: 2 ** 30 } }],
  [
    'muninn: {files: {mode: "0640", dirMode: 0o750}, socketMode: "660"}',
    { muninn: { files: { mode: 0o640, dirMode: 0o750 }, socketMode: 0o660 } },
  ],
  ["muninn: {health: {host: a, port: 9}}", { muninn: { health: { host: "a", port: 9 } } }],
  [
    "muninn: {auth: {ekg: {bearerToken: abc}, health: {basic: {user: u, password: p w}}}}",
    { muninn: { auth: { ekg: { bearerToken: "abc" }, health: { user: "u", password: "p w" } } } },
  ],
])("%s means %o", async (field, effective) => {
  expect(await configOf(field)).toMatchObject(effective);
});

test("logRoot becomes absolute, and sections that are then equal are merged", async () => {
  const section = (logRoot: string) => `{logRoot: ${logRoot}, logMode: FileMode, logFormat: ForHuman}`;
  const { config } = await parseConfig(
    `networkMagic: 1\nnetwork: {tag: AcceptAt, contents: a}\nlogging: [${section("logs")}, ${section("./logs/")}, ${section("/other")}]`,
    "f",
  );
  expect(config.logging.map(({ logRoot }) => logRoot)).toEqual([resolve("logs"), "/other"]);
});

test("logRoot may be empty in JournalMode", async () => {
  const { config } = await parseConfig(
    "networkMagic: 1\nnetwork: {tag: AcceptAt, contents: a}\nlogging: [{logRoot: '', logMode: JournalMode, logFormat: ForHuman}]",
    "f",
  );
  expect(config.logging).toEqual([{ logRoot: "", mode: "JournalMode", format: "ForHuman" }]);
});

const everything = `
ekgRequestFreq: 0.25
hasPrometheus: {epHost: localhost, epPort: 1}
hasEKG: {epHost: "::1", epPort: 2}
hasForwarding: [{tag: AcceptAt, contents: "[::1]:5"}, [[A, B], [C]], {queueSize: 7, maxReconnectDelay: 0.5}]
rotation: {rpLogLimitBytes: 5, rpKeepFilesNum: 3, rpMaxAgeHours: 7}
metricsHelp: {a: the text of a}
verbosity: Maximum
prometheusLabels: {_0: "1", yes: "no"}
resourceFreq: 1234
muninn:
  registry: {idleTimeout: 0, maxOpenFiles: 16}
  files: {mode: "0644"}
  maxObjectBytes: 100000
  nameTimeout: 1.5
  handshakeTimeout: 2h
  health: {host: h, port: 4}
`;

test("the effective configuration, printed and read again, means the same", async () => {
  const config = await configOf(everything);
  const again = await parseConfig(formatConfig(config), "f");
  expect(again).toMatchObject({ warnings: [] });
  expect(again.config).toEqual(config);
});

test("the credentials of the page, of either kind or both, are printed with what is no secret", async () => {
  const printed = async (auth: string) =>
    formatConfig(await configOf(`muninn: {ui: {host: 127.0.0.1, port: 1}, auth: {ui: ${auth}}}`));
  const both = await printed("{bearerToken: hunter2, basic: {user: someone, password: hunter3}}");
  expect(both).toMatch(
    /ui:\n +bearerToken: .*\n +basic:\n +user: someone\n|ui:\n +basic:\n +user: someone\n.*\n +bearerToken:/,
  );
  expect(await printed("{bearerToken: hunter2}")).toMatch(/ui:\n +bearerToken:/);
});

test("neither the text nor the masked configuration holds a secret", async () => {
  const config = await configOf(`hasEKG: {epHost: a, epPort: 1}
muninn: {auth: {ekg: {bearerToken: hunter2}, prometheus: {basic: {user: someone, password: hunter2}}}}`);
  for (const text of [formatConfig(config), JSON.stringify(maskSecrets(config))]) {
    expect(text).not.toContain("hunter2");
    expect(text).toContain("someone");
  }
});
