import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.js";

// Kinds of configuration that public repositories have for cardano-tracer: the same fields and layouts, rewritten.

const all = (network: string, rest: string) => `---\nnetworkMagic: 764824073\nnetwork:\n${network}\n${rest}`;
const accept = `  tag: AcceptAt\n  contents: "/tmp/forwarder.sock"`;
const machineLogs = `logging:\n- logRoot: "/tmp/logs"\n  logMode: FileMode\n  logFormat: ForMachine\n`;

test.each([
  [
    "cardano-node: demos of several nodes over SSH",
    JSON.stringify({
      networkMagic: 42,
      network: { tag: "ConnectTo", contents: [1, 2, 3].map((n) => `/run/user/1000/demo-${n}.sock`) },
      hasEKG: [3100, 3101].map((epPort) => ({ epHost: "127.0.0.1", epPort })),
      hasPrometheus: { epHost: "127.0.0.1", epPort: 3000 },
      logging: [{ logRoot: "/run/user/1000/logs", logMode: "FileMode", logFormat: "ForMachine" }],
    }),
    ["hasEKG"],
    { network: { mode: "ConnectTo" }, endpoints: { ekg: { port: 3100 } } },
  ],
  [
    "cardano-node: tests with a socket of the working directory",
    all(`  tag: AcceptAt\n  contents: "sock"`, machineLogs),
    [],
    { network: { mode: "AcceptAt", address: { kind: "unix", path: "sock" } } },
  ],
  [
    "cardano-node: the example with alarms, never released",
    `${all(accept, machineLogs)}
alarms:
  alEndpoint: {epHost: 127.0.0.1, epPort: 1234}
  alAllowInsecure: true
  alAuthentication: {aacProducers: [], aacReaders: []}
  alConsumers: []
`,
    ["alarms"],
    {},
  ],
  [
    "environments of the Cardano operations book: nulls wherever nothing is set",
    JSON.stringify({
      ekgRequestFreq: null,
      ekgRequestFull: null,
      hasEKG: { epHost: "0.0.0.0", epPort: 12_788 },
      hasPrometheus: { epHost: "0.0.0.0", epPort: 12_808 },
      loRequestNum: null,
      logging: [{ logFormat: "ForHuman", logMode: "FileMode", logRoot: "/tmp/cardano-tracer" }],
      metricsHelp: null,
      metricsNoSuffix: null,
      network: { contents: "/tmp/tracer.socket", tag: "AcceptAt" },
      networkMagic: 2,
      resourceFreq: null,
      rotation: {
        rpFrequencySecs: 60,
        rpKeepFilesNum: 14,
        rpLogLimitBytes: 10_000_000,
        rpMaxAgeHours: 24,
      },
      verbosity: null,
    }),
    [],
    { loRequestNum: 100, endpoints: { ekg: { port: 12_788 } }, rotation: { keepFiles: 14 } },
  ],
  [
    "NixOS modules of fleets: the journal, RTView, a list for EKG",
    JSON.stringify({
      ekgRequestFreq: 1,
      hasEKG: [12_788, 12_789].map((epPort) => ({ epHost: "127.0.0.1", epPort })),
      hasPrometheus: { epHost: "10.0.0.4", epPort: 12_798 },
      hasRTView: { epHost: "127.0.0.1", epPort: 3300 },
      logging: [{ logFormat: "ForHuman", logMode: "JournalMode", logRoot: "/dev/null" }],
      metricsComp: null,
      network: { contents: "/tmp/forwarder.sock", tag: "AcceptAt" },
      networkMagic: 764_824_073,
      resourceFreq: null,
      rotation: {
        rpFrequencySecs: 15,
        rpKeepFilesNum: 10,
        rpLogLimitBytes: 1_000_000_000,
        rpMaxAgeHours: 24,
      },
    }),
    ["hasEKG", "hasRTView"],
    { logging: [{ mode: "JournalMode" }] },
  ],
  [
    "a sampling network: re-forwarding of some namespaces, with a key that means nothing",
    `${all(`  tag: ConnectTo\n  contents: [ "/tmp/forwarder.sock" ]`, machineLogs)}
loRequestNum: 100
ekgRequestFreq: 2
hasRTView: {epHost: 127.0.0.1, epPort: 3200}
hasForwarding:
  - network:
    tag: AcceptAt
    contents: "/tmp/reforwarder.sock"
  - [["BlockFetch","Client"],
     ["Net","Peers","List"]
]
  - {}
rotation:
  rpFrequencySecs: 300
  # a comment among the keys
  rpKeepFilesNum: 20
  rpLogLimitBytes: 5000000
  rpMaxAgeHours: 3
verbosity: Minimum
`,
    ["hasForwarding[0].network", "hasRTView"],
    {
      forwarding: {
        network: { mode: "AcceptAt" },
        prefixes: [
          ["BlockFetch", "Client"],
          ["Net", "Peers", "List"],
        ],
        queueSize: 192,
      },
    },
  ],
  [
    "guides for stake pools: rotation each hour, Prometheus on a port of the node's",
    JSON.stringify({
      networkMagic: 764_824_073,
      network: { tag: "AcceptAt", contents: "/run/cardano/tracer.sock" },
      logging: [{ logRoot: "/var/log/cardano-tracer", logMode: "FileMode", logFormat: "ForMachine" }],
      rotation: {
        rpFrequencySecs: 3600,
        rpKeepFilesNum: 14,
        rpLogLimitBytes: 104_857_600,
        rpMaxAgeHours: 24,
      },
      hasPrometheus: { epHost: "127.0.0.1", epPort: 12_789 },
    }),
    [],
    { rotation: { limitBytes: 104_857_600 } },
  ],
  [
    "testnets in containers: TCP, labels, help texts in place",
    `${all(`  tag: AcceptAt\n  contents: "0.0.0.0:3333"`, machineLogs)}
hasPrometheus: {epHost: 0.0.0.0, epPort: 4000, epForceSSL: false}
prometheusLabels: {job: antithesis}
metricsHelp: {Mem.resident: Kernel-reported RSS}
metricsNoSuffix: true
ekgRequestFull: true
`,
    [],
    { network: { address: { kind: "tcp", host: "0.0.0.0", port: 3333 } }, metricsNoSuffix: true },
  ],
])(
  "a public configuration is accepted, with warnings only for what is obsolete or unknown: %s",
  async (_, text, warned, effective) => {
    const { config, warnings } = await parseConfig(text, "f");
    expect(warnings.map(({ field }) => field).sort()).toEqual(warned);
    expect(config).toMatchObject(effective);
  },
);
