import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { kernelFileSystem } from "../../src/registry/file-system.js";
import { eventually } from "../../src/testing/eventually.js";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import { ScriptedSource } from "../../src/testing/scripted-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { startTracer, type TestTracer } from "../../src/testing/test-tracer.js";
import { PlainPeer } from "./plain-peer.js";

// Every field of the configuration, with a value other than its default, has a visible effect in a running tracer.

let directory: string;
/** Everything that a test has opened, closed after it, the last first. */
let open: (() => unknown)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-wiring-"));
  open = [];
});
afterEach(async () => {
  for (const end of open.reverse()) await end();
  await rm(directory, { recursive: true, force: true });
});

type TracerOptions = NonNullable<Parameters<typeof startTracer>[0]>;
type Fields = NonNullable<TracerOptions["config"]>;

async function tracerWith(config: Fields, options: TracerOptions = {}): Promise<TestTracer> {
  const tracer = await startTracer({ ...options, config });
  open.push(() => tracer[Symbol.asyncDispose]());
  return tracer;
}

async function peerAt(
  { address }: TestTracer,
  options?: ConstructorParameters<typeof PlainPeer>[1],
): Promise<PlainPeer> {
  const peer = await PlainPeer.at(address, options);
  open.push(() => peer.leave());
  return peer;
}

async function page(tracer: TestTracer, endpoint: string, path: string, headers = {}): Promise<Response> {
  return fetch(`http://${tracer.served.get(endpoint)}${path}`, { headers });
}

async function own(tracer: TestTracer): Promise<string> {
  return (await page(tracer, "prometheus", "/metrics/self")).text();
}

const anyPort = { epHost: "127.0.0.1", epPort: 0 };
const section = (logRoot: string, logFormat = "ForMachine") => ({ logRoot, logMode: "FileMode", logFormat });
const line = (bytes: number) => `{"text":"${"x".repeat(bytes)}"}`;

describe("networkMagic", () => {
  test("decides which nodes the tracer talks to; those refused are counted", async () => {
    const tracer = await tracerWith({ networkMagic: 42, hasPrometheus: anyPort });
    const [right, wrong] = [
      await peerAt(tracer, { name: "right", magic: 42 }),
      await peerAt(tracer, { name: "wrong" }),
    ];
    await eventually(() => expect(wrong.closed).toBe(true));
    await eventually(() => expect(right.wanted.length).toBeGreaterThan(0));
    right.leave();
    await eventually(async () => {
      const text = await own(tracer);
      expect(text).toContain('muninn_connections_ended_total{reason="left"} 1\n');
      expect(text).toContain('muninn_connections_ended_total{reason="refused-by-us"} 1\n');
      expect(text).toContain('muninn_handshakes_refused_total{reason="left"} 0\n');
      expect(text).toContain('muninn_handshakes_refused_total{reason="refused-by-us"} 1\n');
    });
  });
});

describe("network", () => {
  test("ConnectTo makes the tracer connect to each address, and muninn.reconnect sets how often", async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    const path = join(directory, "node.sock");
    await new Promise<void>((resolve) => server.listen(path, resolve));
    open.push(() => server.close());
    const network = { tag: "ConnectTo", contents: [path] };
    const often = await tracerWith({ network, muninn: { reconnect: { initial: "5ms", max: "5ms" } } });
    // With the defaults the tenth would come after more than two minutes.
    await eventually(() => expect(connections).toBeGreaterThan(10));
    await often.stop();
    connections = 0;
    await tracerWith({ network, muninn: { reconnect: { initial: "5ms", max: "1h" } } });
    // With a first pause of a second the seventh would come after more than a minute.
    await eventually(() => expect(connections).toBeGreaterThan(6));
  });

  test("ConnectTo: health shows each address by its own state", async () => {
    const [present, absent] = [join(directory, "present.sock"), join(directory, "absent.sock")];
    const node = await simulatedNode({
      source: new NumberedSource({ name: "present", count: 1 }),
      network: { mode: "listen", address: { kind: "unix", path: present } },
    });
    open.push(() => node.stop());
    const tracer = await tracerWith({
      network: { tag: "ConnectTo", contents: [absent, present] },
      hasPrometheus: anyPort,
    });
    const states = async () => {
      const { checks } = (await (await page(tracer, "prometheus", "/healthz")).json()) as {
        checks: { name: string; state: string }[];
      };
      return checks.filter(({ name }) => name.startsWith("target:")).map(({ state }) => state);
    };
    await eventually(async () => expect(await states()).toEqual(["degraded", "ok"]));
  });
});

describe("what nodes are asked", () => {
  test("loRequestNum is the number of objects in each request", async () => {
    const peer = await peerAt(await tracerWith({ loRequestNum: 7 }), { name: "relay" });
    await eventually(() => expect(peer.wanted).toContain(7));
  });

  test("muninn.requestsAhead: 1 asks a node that fills its replies for one at a time", async () => {
    const depths = async (requestsAhead: number) => {
      const tracer = await tracerWith({ loRequestNum: 2, muninn: { requestsAhead } });
      const peer = await peerAt(tracer, { name: "relay" });
      let deepest = 0;
      for (let reply = 0; reply < 20; reply += 1) {
        await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
        deepest = Math.max(deepest, peer.wanted.length);
        peer.reply(["{}", "{}"]);
      }
      return deepest;
    };
    expect(await depths(1)).toBe(1);
    expect(await depths(100)).toBeGreaterThan(1);
  });

  test("ekgRequestFreq is the pause between requests for metrics", async () => {
    const peer = await peerAt(await tracerWith({ ekgRequestFreq: 0.01 }), { name: "relay" });
    // With the default of one second these would take longer than the test may.
    await eventually(() => expect(peer.metricsAsked.length).toBeGreaterThan(40));
    expect(peer.metricsAsked.at(-1)).toBe("updated");
  });

  test("ekgRequestFull requests all metrics every time", async () => {
    const peer = await peerAt(await tracerWith({ ekgRequestFreq: 0.01, ekgRequestFull: true }), {
      name: "relay",
    });
    await eventually(() => expect(peer.metricsAsked.length).toBeGreaterThan(4));
    expect(new Set(peer.metricsAsked)).toEqual(new Set(["all"]));
  });
});

describe("limits of what a peer sends", () => {
  test("muninn.maxObjectBytes limits one object, and no answer", async () => {
    const tracer = await tracerWith({ muninn: { maxObjectBytes: "4KiB" } });
    const [answering, sending] = [
      await peerAt(tracer, { name: "answering" }),
      await peerAt(tracer, { name: "sending" }),
    ];
    await eventually(() => expect(answering.wanted.length + sending.wanted.length).toBeGreaterThan(1));
    answering.metrics(Array.from({ length: 300 }, (_, index) => `metric.of.a.longer.name.${index}`));
    answering.reply([line(100)]);
    sending.reply([line(6_000)]);
    await eventually(() => expect(sending.closed).toBe(true));
    await eventually(async () => expect(await tracer.linesOf("answering")).toEqual([line(100)]));
    expect(answering.closed).toBe(false);
  });

  test("muninn.maxMetricsBytes limits an answer with metrics, and maxMetricsPerNode how many are kept", async () => {
    const kept = async (muninn: object, metrics: number) => {
      const tracer = await tracerWith({ hasPrometheus: anyPort, muninn });
      const peer = await peerAt(tracer, { name: "relay" });
      await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
      peer.metrics(Array.from({ length: metrics }, (_, index) => `m.${index}_int`));
      const count = async () => {
        const text = await (await page(tracer, "prometheus", "/relay")).text();
        return text.match(/^m_\d+_int /gm)?.length ?? 0;
      };
      return { peer, count };
    };
    const few = await kept({ maxMetricsPerNode: 7 }, 50);
    await eventually(async () => expect(await few.count()).toBeGreaterThan(0));
    expect(await few.count()).toBeLessThanOrEqual(7);
    expect(few.peer.closed).toBe(false);
    const all = await kept({}, 2_000);
    await eventually(async () => expect(await all.count()).toBe(2_000));
    const large = await kept({ maxMetricsBytes: "1KiB" }, 2_000);
    await eventually(async () => expect(large.peer.closed || (await large.count()) < 2_000).toBe(true));
    expect(await large.count()).toBeLessThan(2_000);
  });

  test("muninn.maxDataPointBytes limits an answer with data points", async () => {
    const answered = async (muninn: object) => {
      const tracer = await tracerWith({ muninn });
      const source = new ScriptedSource({ name: "relay" });
      source.dataPoints.set("Long", Buffer.from(JSON.stringify("x".repeat(5_000))));
      const node = await simulatedNode({ source, network: { mode: "connect", address: tracer.address } });
      open.push(() => node.stop());
      await eventually(() => expect(node.report().connections).toBe(1));
      await eventually(() => expect(node.report().dataPointRequests).toBeGreaterThan(1));
      return (await tracer.dataPointsOf("relay", ["Long"]))?.get("Long")?.length;
    };
    expect(await answered({})).toBe(5_002);
    expect(await answered({ maxDataPointBytes: "1KiB" })).toBeUndefined();
  });

  test("muninn.handshakeTimeout ends a silent connection", async () => {
    const tracer = await tracerWith({ muninn: { handshakeTimeout: "20ms" } });
    const peer = await peerAt(tracer, { silent: true });
    await eventually(() => expect(peer.closed).toBe(true), { withinMs: 8_000 });
  });

  test("muninn.maxMetricsPerNode and muninn.maxMetricsBytes limit what is kept of a node, and the rest is counted", async () => {
    const kept = async (muninn: Fields["muninn"]) => {
      const tracer = await tracerWith({ hasPrometheus: anyPort, muninn });
      const peer = await peerAt(tracer, { name: "relay" });
      await eventually(() => expect(peer.metricsAsked.length).toBeGreaterThan(0));
      peer.metrics(Array.from({ length: 100 }, (_, n) => `metric.number.${n}`));
      return eventually(async () => {
        const text = await own(tracer);
        const [, metrics, refused] =
          /^muninn_node_metrics\{node="relay"\} (\d+)[\s\S]*^muninn_node_metrics_refused\{node="relay"\} (\d+)/m.exec(
            text,
          )!;
        expect(Number(metrics) + Number(refused)).toBeGreaterThan(99);
        const total = text.matchAll(/^muninn_metrics_refused_total\{.*\} (\d+)$/gm);
        expect([...total].reduce((sum, [, count]) => sum + Number(count), 0)).toBe(Number(refused));
        return Number(metrics);
      });
    };
    expect(await kept({})).toBe(101);
    expect(await kept({ maxMetricsPerNode: 30 })).toBe(30);
    expect(await kept({ maxMetricsBytes: "1KiB" })).toBeLessThan(60);
  });

  test("muninn.maxDataPointBytes disconnects a node that answers with more", async () => {
    const name = "n".repeat(2_000);
    const tracer = await tracerWith({ muninn: { maxDataPointBytes: "1KiB" } });
    const peer = await peerAt(tracer, { name });
    await eventually(() => expect(peer.closed).toBe(true));
  });

  test("muninn.nameFrom: [hostname] names a node by the host in its objects", async () => {
    const tracer = await tracerWith({ muninn: { nameFrom: ["hostname"] } });
    const peer = await peerAt(tracer, { name: "relay" });
    peer.reply(["{}"]);
    await eventually(async () => expect(await tracer.linesOf("host")).toEqual(["{}"]));
  });

  test("muninn.nameTimeout gives a node that sends no name its connection's id", async () => {
    const tracer = await tracerWith({ muninn: { nameTimeout: "20ms" } });
    const peer = await peerAt(tracer);
    await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
    peer.reply(["{}"]);
    await eventually(async () => expect(await tracer.linesOf("unix-1")).toEqual(["{}"]), { withinMs: 8_000 });
  });

  test("muninn.maxConnections turns away connections beyond it", async () => {
    const tracer = await tracerWith({ hasPrometheus: anyPort, muninn: { maxConnections: 1 } });
    const first = await peerAt(tracer, { name: "first" });
    await eventually(() => expect(first.wanted.length).toBeGreaterThan(0));
    const second = await peerAt(tracer, { name: "second" });
    await eventually(() => expect(second.closed).toBe(true));
    expect(first.closed).toBe(false);
    expect(await own(tracer)).toContain("muninn_connections_turned_away_total 1\n");
  });

  test("muninn.maxInFlightBytes is the limit that the metrics show", async () => {
    const tracer = await tracerWith({ hasPrometheus: anyPort, muninn: { maxInFlightBytes: "3MiB" } });
    expect(await own(tracer)).toContain(`muninn_flight_limit_bytes ${3 * 2 ** 20}\n`);
  });
});

describe("files", () => {
  /** Has one node write this many lines. */
  async function collect(tracer: TestTracer, count: number, name = "relay"): Promise<void> {
    const node = await simulatedNode({
      source: new NumberedSource({ name, count }),
      network: { mode: "connect", address: tracer.address },
    });
    open.push(() => node.stop());
    await eventually(() => expect(tracer.accounts().written).toBeGreaterThanOrEqual(count));
  }

  test("logging: each section has its own files, and the disk of each root is checked", async () => {
    const [one, two] = [join(directory, "one"), join(directory, "two")];
    const tracer = await tracerWith({
      hasPrometheus: anyPort,
      logging: [section(one), section(two, "ForHuman")],
    });
    await collect(tracer, 10);
    await eventually(() => expect(tracer.accounts().written).toBe(20));
    expect(await readdir(join(one, "relay"))).toContain("node.json");
    expect(await readdir(join(two, "relay"))).toContain("node.log");
    await eventually(async () => {
      const text = await own(tracer);
      for (const root of [one, two]) expect(text).toContain(`muninn_disk_size_bytes{root="${root}"}`);
    });
    const health = await (await page(tracer, "prometheus", "/healthz")).text();
    for (const root of [one, two]) expect(health).toContain(root);
  });

  test("logging: two sections with the same directory and format, under any names, write each line once", async () => {
    const [root, alias] = [join(directory, "root"), join(directory, "alias")];
    await mkdir(root);
    await symlink(root, alias);
    const logging = [section(root), section(alias), section(`${root}/../root`)];
    const tracer = await tracerWith({ logging }, { allowWarnings: true });
    await collect(tracer, 10);
    expect(tracer.accounts()).toEqual({ received: 10, written: 10, dropped: 0 });
  });

  test("rotation: a full file is followed by a new one, and the configured number of old ones is kept", async () => {
    const root = join(directory, "logs");
    const old = join(root, "gone");
    await mkdir(old, { recursive: true });
    for (const day of ["01", "02", "03", "04"])
      await writeFile(join(old, `node-2020-01-${day}T00-00-00.json`), "{}\n");
    const tracer = await tracerWith({
      logging: [section(root)],
      rotation: { rpFrequencySecs: 1, rpLogLimitBytes: 500, rpMaxAgeHours: 1, rpKeepFilesNum: 2 },
    });
    await eventually(async () => expect((await readdir(old)).length).toBe(3));
    await collect(tracer, 10);
    await eventually(async () => {
      const files = (await readdir(join(root, "relay"))).filter((name) => name.startsWith("node-"));
      expect(files.length).toBeGreaterThan(1);
    });
  });

  test("rotation.rpMaxAgeMinutes wins over rpMaxAgeHours", async () => {
    const root = join(directory, "logs");
    const old = join(root, "gone");
    await mkdir(old, { recursive: true });
    for (const day of ["01", "02", "03"])
      await writeFile(join(old, `node-2020-01-${day}T00-00-00.json`), "{}\n");
    const forEver = 1_000_000;
    await tracerWith({
      logging: [section(root)],
      rotation: { rpLogLimitBytes: 500, rpMaxAgeMinutes: 1, rpMaxAgeHours: forEver, rpKeepFilesNum: 0 },
    });
    await eventually(async () => expect((await readdir(old)).length).toBe(1));
  });

  test("muninn.files: modes of files and directories", async () => {
    const root = join(directory, "logs");
    const tracer = await tracerWith({
      logging: [section(root)],
      muninn: { files: { mode: "0604", dirMode: "0705" } },
    });
    await collect(tracer, 1);
    expect((await stat(join(root, "relay"))).mode & 0o777).toBe(0o705);
    expect((await stat(join(root, "relay", "node.json"))).mode & 0o777).toBe(0o604);
  });

  test("muninn.socketMode sets the mode of the socket", async () => {
    const { address } = await tracerWith({ muninn: { socketMode: "0607" } });
    if (address.kind !== "unix") throw new Error("no socket file");
    expect((await stat(address.path)).mode & 0o777).toBe(0o607);
  });

  test("muninn.durability: disk syncs files before their lines are safe", async () => {
    const syncs = async (durability: "os" | "disk") => {
      let count = 0;
      const fileSystem = {
        ...kernelFileSystem,
        fdatasync: async (fd: number) => {
          count += 1;
          await kernelFileSystem.fdatasync(fd);
        },
      };
      await collect(await tracerWith({ muninn: { durability } }, { fileSystem }), 1);
      return count;
    };
    expect(await syncs("os")).toBe(0);
    expect(await syncs("disk")).toBeGreaterThan(0);
  });

  test("muninn.humanLayout: text omits the head of each line", async () => {
    const root = join(directory, "logs");
    const tracer = await tracerWith({
      logging: [section(root, "ForHuman")],
      muninn: { humanLayout: "text" },
    });
    const peer = await peerAt(tracer, { name: "relay" });
    await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
    peer.reply(["bare"]);
    await eventually(async () =>
      expect(await readFile(join(root, "relay", "node.log"), "utf8")).toBe("bare\n"),
    );
  });

  test("muninn.registry limits how many files are open, and how long an idle one stays open", async () => {
    const tracer = await tracerWith({
      hasPrometheus: anyPort,
      muninn: { registry: { maxOpenFiles: 17, idleTimeout: "10ms" } },
    });
    await collect(tracer, 1);
    await eventually(async () => {
      const text = await own(tracer);
      expect(text).toContain("muninn_registry_handles_limit 17\n");
      expect(text).toMatch(/^muninn_registry_idle_closed_total [1-9]/m);
    });
  });
});

describe("pages", () => {
  test("hasPrometheus, hasEKG and muninn.health are served at their configured addresses", async () => {
    const tracer = await tracerWith({
      hasPrometheus: anyPort,
      hasEKG: anyPort,
      muninn: { health: { host: "127.0.0.1", port: 0 } },
    });
    expect([...tracer.served.keys()].sort()).toEqual(["ekg", "health", "prometheus"]);
    expect((await page(tracer, "prometheus", "/targets")).status).toBe(200);
    expect((await page(tracer, "ekg", "/targets")).status).toBe(404);
    expect((await page(tracer, "health", "/healthz")).status).toBe(200);
  });

  test("metricsNoSuffix, metricsHelp and prometheusLabels shape what Prometheus receives", async () => {
    const tracer = await tracerWith({
      hasPrometheus: anyPort,
      ekgRequestFreq: 0.01,
      metricsNoSuffix: true,
      metricsHelp: { "my.metric_int": "what it is" },
      prometheusLabels: { site: "north" },
    });
    const peer = await peerAt(tracer, { name: "relay" });
    await eventually(() => expect(peer.metricsAsked.length).toBeGreaterThan(0));
    peer.metrics(["my.metric_int"]);
    await eventually(async () => {
      const text = await (await page(tracer, "prometheus", "/relay")).text();
      expect(text).toMatch(/^my_metric 1$/m);
      expect(text).toContain("# HELP my_metric what it is");
    });
    expect(await (await page(tracer, "prometheus", "/targets")).json()).toMatchObject([
      { labels: { site: "north" } },
    ]);
  });

  test("metrics whose names are the same for Prometheus are left out, and counted each time they are served", async () => {
    const tracer = await tracerWith({ hasPrometheus: anyPort, ekgRequestFreq: 0.01 });
    const peer = await peerAt(tracer, { name: "relay" });
    await eventually(() => expect(peer.metricsAsked.length).toBeGreaterThan(0));
    peer.metrics(["my.metric_int", "my_metric_int", "another.one_int", "another_one_int"]);
    const leftOut = async () =>
      Number(/^muninn_metric_names_left_out_total (\d+)$/m.exec(await own(tracer))![1]);
    await eventually(async () => {
      const text = await (await page(tracer, "prometheus", "/relay")).text();
      expect(text).toMatch(/^another_one_int /m);
    });
    // Two each time, however often that was.
    expect(await leftOut()).toBeGreaterThan(0);
    expect((await leftOut()) % 2).toBe(0);
  });

  test("muninn.prometheus.instanceLabel: each target has its node's name as instance", async () => {
    const tracer = await tracerWith({
      hasPrometheus: anyPort,
      muninn: { prometheus: { instanceLabel: true } },
    });
    await peerAt(tracer, { name: "relay" });
    const targets = async () => (await page(tracer, "prometheus", "/targets")).json();
    await eventually(async () => expect(await targets()).toMatchObject([{ labels: { instance: "relay" } }]));
  });

  test("muninn.auth: each endpoint asks for its own secret and accepts no other's", async () => {
    const secrets = { prometheus: "secret-p", ekg: "secret-e", timeseries: "secret-t", health: "secret-h" };
    const auth = Object.fromEntries(
      Object.entries(secrets).map(([endpoint, bearerToken]) => [endpoint, { bearerToken }]),
    );
    const tracer = await tracerWith({
      hasPrometheus: anyPort,
      hasEKG: anyPort,
      hasTimeseries: anyPort,
      muninn: { health: { host: "127.0.0.1", port: 0 }, auth },
    });
    const paths = { prometheus: "/", ekg: "/", timeseries: "/", health: "/healthz" };
    for (const [endpoint, path] of Object.entries(paths)) {
      for (const [owner, secret] of Object.entries(secrets)) {
        const { status } = await page(tracer, endpoint, path, { authorization: `Bearer ${secret}` });
        expect(`${endpoint} with the secret of ${owner}: ${status}`).toBe(
          `${endpoint} with the secret of ${owner}: ${owner === endpoint ? 200 : 401}`,
        );
      }
    }
  });
});

describe("muninn.auth", () => {
  test("basic: each endpoint has its own user and password", async () => {
    const basic = (name: string) => ({ basic: { user: `user-${name}`, password: `password-${name}` } });
    const tracer = await tracerWith({
      hasPrometheus: anyPort,
      hasEKG: anyPort,
      muninn: {
        health: { host: "127.0.0.1", port: 0 },
        auth: { prometheus: basic("p"), ekg: basic("e"), health: basic("h") },
      },
    });
    const status = async (endpoint: string, user: string, password: string) => {
      const authorization = `Basic ${Buffer.from(`user-${user}:password-${password}`).toString("base64")}`;
      return (await page(tracer, endpoint, endpoint === "health" ? "/healthz" : "/", { authorization }))
        .status;
    };
    for (const [endpoint, own] of [
      ["prometheus", "p"],
      ["ekg", "e"],
      ["health", "h"],
    ] as const) {
      expect(await status(endpoint, own, own)).toBe(200);
      expect(await status(endpoint, own, "x")).toBe(401);
      expect(await status(endpoint, "x", own)).toBe(401);
    }
  });
});

describe("a start that fails", () => {
  test("leaves neither ports nor claims behind, so that the next one starts with the same configuration", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    const config = {
      logging: [section(join(directory, "logs"))],
      network: { tag: "AcceptAt" as const, contents: join(directory, "tracer.sock") },
      hasPrometheus: { epHost: "127.0.0.1", epPort: await freePort() },
      muninn: { health: { host: "127.0.0.1", port } },
    };
    await expect(startTracer({ config })).rejects.toThrow(String(port));
    await new Promise((resolve) => taken.close(resolve));
    await tracerWith(config);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
