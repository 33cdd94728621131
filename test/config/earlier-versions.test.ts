import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.js";

/** The fields common to all versions. */
const common = {
  networkMagic: 764_824_073,
  network: { tag: "AcceptAt", contents: "/tmp/forwarder.sock" },
  logging: [{ logRoot: "/tmp/cardano-tracer-logs", logMode: "FileMode", logFormat: "ForMachine" }],
};
const endpoint = (epPort: number) => ({ epHost: "127.0.0.1", epPort });
const rotation = { rpFrequencySecs: 15, rpKeepFilesNum: 1, rpLogLimitBytes: 50_000, rpMaxAgeHours: 1 };
const forwarding = (options: object) => [{ tag: "AcceptAt", contents: "/tmp/up.sock" }, null, options];

test.each([
  [
    "0.2",
    {
      hasEKG: [endpoint(3100), endpoint(3101)],
      hasPrometheus: endpoint(3000),
      hasRTView: endpoint(3300),
      metricsComp: { "Mem.resident": "mem" },
      loRequestNum: 100,
      ekgRequestFreq: 2,
      rotation,
      verbosity: "Minimum",
    },
    ["hasEKG", "hasRTView", "metricsComp"],
    { endpoints: { ekg: { port: 3100 }, prometheus: { port: 3000 } }, rotation: { maxAgeMs: 3_600_000 } },
  ],
  [
    "0.3.1",
    {
      hasEKG: endpoint(3100),
      hasRTView: null,
      hasForwarding: forwarding({ connQueueSize: 64, disconnQueueSize: 128 }),
      resourceFreq: 60_000,
    },
    ["hasForwarding[2].connQueueSize", "hasForwarding[2].disconnQueueSize"],
    { endpoints: { ekg: { port: 3100 } }, forwarding: { queueSize: 128 }, resourceFreqMs: 60_000 },
  ],
  [
    "0.3.6",
    { ekgRequestFull: true, metricsNoSuffix: true, prometheusLabels: { cluster: "mainnet" } },
    [],
    { ekgRequestFull: true, metricsNoSuffix: true, prometheusLabels: { cluster: "mainnet" } },
  ],
  [
    "0.4",
    { hasTimeseries: { ...endpoint(3400), epForceSSL: false }, tlsCertificate: null },
    [],
    { endpoints: { timeseries: { port: 3400, forceSsl: false } } },
  ],
  ["0.5", { hasForwarding: forwarding({ queueSize: 2_000 }) }, [], { forwarding: { queueSize: 2_000 } }],
  [
    "the NixOS module",
    {
      logging: [{ logRoot: "/tmp", logMode: "FileMode", logFormat: "ForHuman" }],
      rotation: { ...rotation, rpMaxAgeMinutes: null },
      hasEKG: endpoint(12_788),
      hasPrometheus: { ...endpoint(12_808), epForceSSL: null },
      hasTimeseries: null,
      hasForwarding: null,
      metricsHelp: null,
      ekgRequestFull: null,
      resourceFreq: null,
      verbosity: null,
    },
    [],
    { endpoints: { prometheus: { port: 12_808 } } },
  ],
])(
  "a configuration of %s is accepted, and its obsolete parts are reported",
  async (_, fields, told, effective) => {
    const { config, warnings } = await parseConfig(JSON.stringify({ ...common, ...fields }), "f");
    expect(warnings.map(({ field }) => field)).toEqual(told);
    expect(config).toMatchObject(effective);
  },
);
