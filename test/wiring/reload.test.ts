import { copyFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { configIn, runningIn } from "./running.js";

// What a reload changes of a running tracer, in this process.

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-reload-"));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

const configOf = (fields: object) => configIn(directory, fields);
const running = (fields: object) => runningIn(directory, fields);

test("resourceFreq applies from a reload on, in place of the one before", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  await using started = await running({ resourceFreq: 1_000 });
  const { tracer, lines } = started;
  const loggedWithin = (milliseconds: number) => {
    const before = lines.length;
    vi.advanceTimersByTime(milliseconds);
    return lines.slice(before).filter(({ event }) => event === "resources").length;
  };
  expect(loggedWithin(10_000)).toBe(10);
  await tracer.reload(await configOf({ resourceFreq: 5_000 }));
  expect(loggedWithin(10_000)).toBe(2);
  await tracer.reload(await configOf({}));
  expect(loggedWithin(10_000)).toBe(0);
});

test("the shortest retention of timeseries that can be asked for is the pause between requests for metrics", async () => {
  const fields = (ekgRequestFreq: number) => ({
    ekgRequestFreq,
    hasTimeseries: { epHost: "127.0.0.1", epPort: 0 },
  });
  await using started = await running(fields(2));
  const { tracer } = started;
  const statusOf = async (seconds: number) => {
    const url = `http://${tracer.served.get("timeseries")}/timeseries/config/retention?seconds=${seconds}`;
    return (await fetch(url, { method: "POST" })).status;
  };
  expect([await statusOf(1), await statusOf(2)]).toEqual([400, 200]);
  await tracer.reload(await configOf(fields(5)));
  expect([await statusOf(4), await statusOf(5)]).toEqual([400, 200]);
});

const certificates = fileURLToPath(new URL("../http/certificates/", import.meta.url));

test.each(["muninn.otlp", "muninn.sinks"])(
  "a reload that finds a file of %s unusable changes nothing",
  async (field) => {
    const [certificateFile, certificateKeyFile] = [join(directory, "cert.pem"), join(directory, "key.pem")];
    await copyFile(join(certificates, "server.pem"), certificateFile);
    await copyFile(join(certificates, "server-key.pem"), certificateKeyFile);
    const headersFile = join(directory, "headers");
    await writeFile(headersFile, "Authorization: Bearer x\n");
    const tls = { certificateFile, certificateKeyFile };
    const fields = (bearerToken: string) => ({
      hasPrometheus: { epHost: "127.0.0.1", epPort: 0 },
      muninn: {
        otlp: { host: "127.0.0.1", port: 0, tls },
        sinks: [{ kind: "otlp", url: "http://127.0.0.1:9/v1/logs", headersFile }],
        auth: { prometheus: { bearerToken } },
      },
    });
    await using started = await running(fields("one"));
    const { tracer } = started;
    const statusWith = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`http://${tracer.served.get("prometheus")}/`, { headers })).status;
    };
    await tracer.reload(await configOf(fields("two")));
    expect([await statusWith("one"), await statusWith("two")]).toEqual([401, 200]);
    await rm(field === "muninn.otlp" ? certificateKeyFile : headersFile);
    await expect(tracer.reload(await configOf(fields("three")))).rejects.toThrow(directory);
    expect([await statusWith("two"), await statusWith("three")]).toEqual([200, 401]);
  },
);

test("rotation applies to files that are written already, and the page shows the one that applies", async () => {
  const rotation = (rpLogLimitBytes: number) => ({
    rotation: { rpFrequencySecs: 1, rpLogLimitBytes, rpMaxAgeHours: 1, rpKeepFilesNum: 5 },
  });
  const pages = { muninn: { ui: { host: "127.0.0.1", port: 0 } } };
  await using started = await running({ ...rotation(1_000_000), ...pages });
  const { tracer } = started;
  const shown = async () => {
    const files = await (await fetch(`http://${tracer.served.get("ui")}/api/files`)).json();
    return (files as { rotation: { limitBytes: number } }).rotation.limitBytes;
  };
  expect(await shown()).toBe(1_000_000);
  await tracer.reload(await configOf({ ...rotation(300), ...pages }));
  // The page remembers for a moment what it has listed.
  await eventually(async () => expect(await shown()).toBe(300));
  const node = await simulatedNode({
    source: new NumberedSource({ name: "relay", count: 20 }),
    network: { mode: "connect", address: { kind: "unix", path: join(directory, "tracer.sock") } },
  });
  await eventually(async () => {
    const files = (await readdir(join(directory, "logs", "relay"))).filter((name) =>
      name.startsWith("node-"),
    );
    expect(files.length).toBeGreaterThan(1);
  });
  await node.stop();
});
