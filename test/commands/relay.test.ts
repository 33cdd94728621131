import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { faultyLink } from "../../src/testing/faulty-link.js";
import type { SimulatedNode } from "../../src/testing/simulated-node.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { type Daemon, freePort, pages, program, Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";
import { expectLossesOnlyAtBreaks } from "../end-to-end/verified.js";
import { certificateFile } from "../transport/certificates.js";

let place: Workplace;
const relays: RunningRelay[] = [];
const nodes: SimulatedNode[] = [];

beforeEach(async () => {
  place = await Workplace.open();
});
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
  await Promise.all(relays.splice(0).map((relay) => relay.kill()));
  await place[Symbol.asyncDispose]();
});

class RunningRelay {
  readonly child: ChildProcess;
  stderr = "";
  readonly exited: Promise<number | NodeJS.Signals>;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, [program, "relay", ...args], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...env },
    });
    this.child.stderr!.on("data", (text) => {
      this.stderr += text;
    });
    this.exited = once(this.child, "close").then(([code, signal]) => code ?? signal);
    relays.push(this);
  }

  async said(text: string | RegExp): Promise<void> {
    await eventually(() => expect(this.stderr).toMatch(text));
  }

  async stop(): Promise<number | NodeJS.Signals> {
    this.child.kill("SIGTERM");
    return this.exited;
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.exited;
  }

  async peakMiB(): Promise<number> {
    const status = await readFile(`/proc/${this.child.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
  }
}

const socket = () => place.path("relay.sock");

async function relay(to: string, ...flags: string[]): Promise<RunningRelay> {
  const started = new RunningRelay(["--listen", socket(), "--to", to, ...flags]);
  await started.said("are passed on to");
  return started;
}

async function node(name: string, count: number, at = socket()): Promise<SimulatedNode> {
  const started = await nodeAt(at, { name, count });
  nodes.push(started);
  return started;
}

/** A daemon that listens for relays, and the flags that a relay needs to reach it. */
async function tracer(
  kind: "wss" | "tls",
  config: object = {},
): Promise<{ daemon: Daemon; to: string; flags: string[]; port: number }> {
  const port = await freePort("127.0.0.1");
  const token = place.path("relay.token");
  await writeFile(token, "a-token-of-16-signs\n");
  const tls = {
    certificateFile: certificateFile("server"),
    certificateKeyFile: certificateFile("server-key"),
  };
  const to = `${kind}://127.0.0.1:${port}${kind === "wss" ? "/nodes" : ""}`;
  const link =
    kind === "wss"
      ? { listen: to, tls, access: [{ tokenFile: token, nodes: ["node-*"] }] }
      : {
          listen: to,
          tls: { ...tls, clientCaFile: certificateFile("ca") },
          access: [{ subject: "CN=pool-a", nodes: ["node-*"] }],
        };
  const daemon = await place.start({ ...pages, ...config, muninn: { links: [link] } });
  const flags =
    kind === "wss"
      ? ["--ca", certificateFile("ca"), "--token-file", token]
      : [
          "--ca",
          certificateFile("ca"),
          "--cert",
          certificateFile("pool-a"),
          "--key",
          certificateFile("pool-a-key"),
        ];
  return { daemon, to, flags, port };
}

async function finish(daemon: Daemon, count: number, names: readonly string[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.finished));
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
  expect(await daemon.stop()).toBe(0);
  for (const name of names) expectAllInOrder(await place.linesOf(name), count);
}

describe.each(["wss", "tls"] as const)("over %s", (kind) => {
  test("the lines of several nodes arrive at a distant tracer in order, each node's in its own directory", async () => {
    const { daemon, to, flags } = await tracer(kind);
    const running = await relay(to, ...flags);
    const names = ["node-1", "node-2", "node-3", "node-4"];
    for (const name of names) await node(name, 5_000);
    await finish(daemon, 5_000, names);
    expect(await running.stop()).toBe(0);
  });

  test("a stop of the tracer loses nothing that nodes have sent", async () => {
    const { daemon, to, flags } = await tracer(kind);
    await relay(to, ...flags);
    const sender = await nodeAt(socket(), { name: "node-1", rate: 20_000, queue: 1_000_000 });
    nodes.push(sender);
    await eventually(() => expect(sender.report().objectsSent).toBeGreaterThan(2_000));
    expect(await daemon.stop()).toBe(0);
    const lines = await place.linesOf("node-1");
    await sender.stop();
    expectAllInOrder(lines, sender.report().objectsSent);
  });
});

test("while the tracer is away, nodes are refused, keep their objects, and come back with it", async () => {
  const { to, flags, daemon, port } = await tracer("wss");
  expect(await daemon.stop()).toBe(0);
  const running = await relay(to, ...flags);
  const waiting = await node("node-1", 1_000);
  await running.said(/cannot reach wss:.*nodes are disconnected until it is back: connect ECONNREFUSED/);
  expect(waiting.report().objectsSent).toBe(0);
  const again = await place.start({
    muninn: {
      links: [
        {
          listen: `wss://127.0.0.1:${port}/nodes`,
          tls: {
            certificateFile: certificateFile("server"),
            certificateKeyFile: certificateFile("server-key"),
          },
          access: [{ tokenFile: place.path("relay.token"), nodes: ["node-*"] }],
        },
      ],
    },
  });
  await running.said("is reachable again");
  await finish(again, 1_000, ["node-1"]);
  // Reported once, not at each attempt.
  expect(running.stderr.match(/cannot reach/g)).toHaveLength(1);
});

test("a tracer that refuses the relay's certificate is reported, although TLS 1.3 tells the relay only after the handshake", async () => {
  const { to, flags } = await tracer("tls");
  const [, ca] = flags;
  const other = ["--cert", certificateFile("pool-b"), "--key", certificateFile("pool-b-key")];
  const running = await relay(to, "--ca", ca!, ...other);
  await node("node-1", 1_000);
  await running.said(/cannot reach tls:.*: it closed the connection without an answer; its log says why/);
  expect(running.stderr).not.toContain("reachable again");
});

test("a node that leaves before the tracer has answered is no reason to report the tracer", async () => {
  const silent = createServer((socket) => socket.on("error", () => {}).resume()).listen(
    place.path("far.sock"),
  );
  const running = await relay(`unix:${place.path("far.sock")}`);
  const leaving = connect(socket());
  const [arrived] = (await once(silent, "connection")) as [Socket];
  leaving.end();
  await once(arrived, "close");
  expect(await running.stop()).toBe(0);
  expect(running.stderr).not.toContain("cannot reach");
  silent.close();
});

test("over a link that breaks, stalls and delays, nothing is torn, doubled or out of order, and all that is sent after a break arrives", async () => {
  const { daemon, to, flags, port } = await tracer("wss");
  await using link = await faultyLink({
    to: { kind: "tcp", host: "127.0.0.1", port },
    latencyMs: 20,
    jitterMs: 10,
    cutAfterBytes: [30_000, 70_000, 150_000],
  });
  const [, linkPort] = /:(\d+)$/.exec(`:${(link.address as { port: number }).port}`)!;
  const running = await relay(to.replace(String(port), linkPort!), ...flags);
  const sender = await node("node-1", 20_000);
  await eventually(() => expect(sender.report().connections).toBeGreaterThan(2));
  link.stalls();
  await new Promise((resolve) => setTimeout(resolve, 100));
  link.heals();
  await sender.finished;
  await sender.stop();
  expect(await daemon.stop()).toBe(0);
  await expectLossesOnlyAtBreaks(place, "node-1", sender);
  expect(await running.stop()).toBe(0);
});

test("the relay uses less than 60 MiB while 20 nodes send", async () => {
  const count = 20;
  const { daemon, to, flags } = await tracer("wss");
  const running = await relay(to, ...flags);
  const names = Array.from({ length: count }, (_, index) => `node-${index + 1}`);
  await Promise.all(names.map((name) => node(name, 20_000)));
  await finish(daemon, 20_000, names);
  expect(await running.peakMiB()).toBeLessThan(60);
});

test("a stop ends the nodes' connections, and the relay exits even if nodes stay", async () => {
  const { daemon, to, flags } = await tracer("tls");
  const running = await relay(to, ...flags);
  await node("node-1", 1_000);
  await daemon.logged("node_connected");
  const staying = connect({ path: socket(), allowHalfOpen: true });
  await once(staying, "connect");
  expect(await running.stop()).toBe(0);
  staying.destroy();
  await expect(stat(socket())).rejects.toThrow("ENOENT");
});

test("SIGHUP does not end the relay, and --socket-mode is that of its socket", async () => {
  const { daemon, to, flags } = await tracer("tls");
  const running = await relay(to, ...flags, "--socket-mode", "0666");
  expect((await stat(socket())).mode & 0o777).toBe(0o666);
  running.child.kill("SIGHUP");
  await node("node-1", 100);
  await daemon.logged("node_connected");
  expect(await running.stop()).toBe(0);
});

test("--server-name is the name in the tracer's certificate", async () => {
  const { to, flags } = await tracer("tls");
  const running = await relay(to, ...flags, "--server-name", "another.example");
  await node("node-1", 1);
  await running.said(/cannot reach .*another\.example/);
});

describe("invalid options", () => {
  test.each([
    {
      what: "an address without a kind",
      flags: ["--to", "tracer.example:3443"],
      says: /does not name a kind of link; write unix:/,
    },
    {
      what: "a token over tls",
      flags: ["--to", "tls://h:1", "--token-file", "x"],
      says: /--token-file is for ws/,
    },
    {
      what: "an authority without TLS",
      flags: ["--to", "ws://h:1/", "--ca", "x"],
      says: /are for tls:\/\/ and wss/,
    },
    {
      what: "a certificate without a key",
      flags: ["--to", "tls://h:1", "--cert", "x"],
      says: /--cert needs --key/,
    },
    {
      what: "a missing token file",
      flags: ["--to", "ws://h:1/", "--token-file", "/no/such"],
      says: /\/no\/such cannot be read: no such file/,
    },
    {
      what: "an invalid --socket-mode",
      flags: ["--to", "ws://h:1/", "--socket-mode", "rw"],
      says: /octal permission bits/,
    },
  ])("$what gives one sentence and exit code 2", async ({ flags, says }) => {
    const refused = new RunningRelay(["--listen", socket(), ...flags]);
    expect(await refused.exited).toBe(2);
    expect(refused.stderr).toMatch(says);
    expect(refused.stderr.trim().split("\n")).toHaveLength(1);
  });

  test("a socket already in use gives one sentence and exit code 2", async () => {
    await place.start();
    const refused = new RunningRelay(["--listen", place.socket, "--to", "ws://127.0.0.1:1/"]);
    expect(await refused.exited).toBe(2);
    expect(refused.stderr).toMatch(/^muninn relay: .*muninn.sock is in use: another tracer.*\n$/);
  });
});

describe("muninn token", () => {
  async function token(file: string): Promise<{ code: number; stderr: string }> {
    const child = spawn(process.execPath, [program, "token", file], { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    const [code] = await once(child, "close");
    return { code, stderr };
  }

  test("writes a new token that only its owner can read, whatever the umask, and never overwrites a file", async () => {
    const directory = await mkdtemp(join(tmpdir(), "muninn-token-"));
    const files = ["a.token", "b.token"].map((name) => join(directory, name));
    const texts: string[] = [];
    for (const file of files) {
      expect((await token(file)).code).toBe(0);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      texts.push(await readFile(file, "utf8"));
    }
    for (const text of texts) expect(text).toMatch(/^[\w-]{43}\n$/);
    expect(texts[0]).not.toBe(texts[1]);
    expect(await token(files[0]!)).toEqual({
      code: 2,
      stderr: `muninn token: ${files[0]} is not written: it already exists and is left alone\n`,
    });
    expect(await readFile(files[0]!, "utf8")).toBe(texts[0]);
    await rm(directory, { recursive: true });
  });
});
