import { expect, test } from "vitest";
import { changedFields, liveFields, reloaded } from "../../src/config/changes.js";
import type { Config } from "../../src/config/config.js";
import { parseConfig } from "../../src/config/load.js";

async function config(fields: object = {}): Promise<Config> {
  const given = {
    networkMagic: 1,
    network: { tag: "AcceptAt", contents: "a.sock" },
    logging: [{ logRoot: "logs", logMode: "FileMode", logFormat: "ForMachine" }],
    ...fields,
  };
  return (await parseConfig(JSON.stringify(given), "f")).config;
}

const rotation = { rpLogLimitBytes: 1, rpKeepFilesNum: 1 };
const endpoint = { epHost: "a", epPort: 1 };
const certificate = { certificateFile: "a", certificateKeyFile: "b" };

test.each([
  ["networkMagic", { networkMagic: 2 }],
  ["network", { network: { tag: "AcceptAt", contents: "b.sock" } }],
  ["loRequestNum", { loRequestNum: 2 }],
  ["ekgRequestFreq", { ekgRequestFreq: 2 }],
  ["ekgRequestFull", { ekgRequestFull: true }],
  ["hasPrometheus", { hasPrometheus: endpoint }],
  ["hasEKG", { hasEKG: endpoint }],
  ["hasTimeseries", { hasTimeseries: endpoint }],
  ["tlsCertificate", { tlsCertificate: certificate }],
  ["hasForwarding", { hasForwarding: [{ tag: "AcceptAt", contents: "c.sock" }, null, { queueSize: 1 }] }],
  ["logging", { logging: [{ logRoot: "other", logMode: "FileMode", logFormat: "ForMachine" }] }],
  ["rotation", { rotation }],
  ["verbosity", { verbosity: "Minimum" }],
  ["metricsNoSuffix", { metricsNoSuffix: true }],
  ["metricsHelp", { metricsHelp: { a: "b" } }],
  ["prometheusLabels", { prometheusLabels: { a: "b" } }],
  ["resourceFreq", { resourceFreq: 1 }],
  ["muninn.registry", { muninn: { registry: { maxOpenFiles: 1 } } }],
  ["muninn.handshakeTimeout", { muninn: { handshakeTimeout: "1s" } }],
  ["muninn.socketMode", { muninn: { socketMode: "0660" } }],
  ["muninn.auth", { muninn: { auth: { ekg: { bearerToken: "t" } } } }],
])(
  "a change of %s is reported by name, and applied at a reload if that is possible",
  async (name, change) => {
    const before = await config();
    const after = await config(change);
    expect(changedFields(before, after)).toEqual([name]);
    expect(changedFields(after, before)).toEqual([name]);
    expect(reloaded(before, after)).toEqual(liveFields.includes(name) ? after : before);
    expect(reloaded(after, before)).toEqual(liveFields.includes(name) ? before : after);
  },
);

test("the same configuration has no changes", async () => {
  const fields = { metricsHelp: { a: "b", c: "d" }, rotation };
  expect(changedFields(await config(fields), await config(fields))).toEqual([]);
});
