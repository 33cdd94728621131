import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Forwarder,
  type ForwarderProblem,
  type OpenForwarderOptions,
  openForwarder,
} from "../../../src/forwarder/library/entry.js";
import { eventually, startTracer } from "../../../src/testing/entry.js";
import { freePort } from "../../end-to-end/daemon.js";
import { certificateFile } from "../../transport/certificates.js";

// Programs and tracers connected by `muninn.links`.

const token = "a-token-of-16-signs";

let directory: string;
let opened: Forwarder[];
let problems: ForwarderProblem[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-library-"));
  opened = [];
  problems = [];
  await writeFile(file("token"), `${token}\n`);
  await writeFile(file("other-token"), `another-${token}\n`);
});
afterEach(async () => {
  for (const forwarder of opened) await forwarder.close({ deadlineMs: 0 });
  await rm(directory, { recursive: true });
});

const file = (name: string) => join(directory, name);

async function somewhere(kind: string): Promise<string> {
  return `${kind}://localhost:${await freePort("localhost")}${kind.startsWith("ws") ? "/nodes" : ""}`;
}

const authority = { caFile: certificateFile("ca") };
const clientAuthority = { clientCaFile: certificateFile("ca") };
const own = (name: "server" | "pool-a") => ({
  certificateFile: certificateFile(name),
  certificateKeyFile: certificateFile(`${name}-key`),
});

function open(address: string, options: Partial<OpenForwarderOptions> = {}): Forwarder {
  const onProblem = (problem: ForwarderProblem) => problems.push(problem);
  const reconnect = { initialMs: 5, maxMs: 50 };
  const forwarder = openForwarder({ name: "shop", address, reconnect, onProblem, ...options });
  opened.push(forwarder);
  return forwarder;
}

const tracerWith = (...links: object[]) => startTracer({ config: { muninn: { links } } });

const kinds = [
  { kind: "tcp", program: {}, tracer: {}, access: {} },
  {
    kind: "tls",
    program: { tls: { ...authority, ...own("pool-a") } },
    tracer: { tls: { ...own("server"), ...clientAuthority } },
    access: { access: [{ subject: "CN=pool-a", nodes: ["shop"] }] },
  },
  { kind: "ws", program: { tokenFile: "token" }, tracer: {}, access: { access: "token" } },
  {
    kind: "wss",
    program: { tls: authority, tokenFile: "token" },
    tracer: { tls: own("server") },
    access: { access: "token" },
  },
] as const;

/** The options of the connecting or listening side, with the paths of its files. */
function placed(options: object): object {
  return JSON.parse(
    JSON.stringify(options)
      .replace('"tokenFile":"token"', `"tokenFile":"${file("token")}"`)
      .replace('"access":"token"', `"access":[{"tokenFile":"${file("token")}","nodes":["shop"]}]`),
  );
}

describe.each(kinds)("over $kind:", ({ kind, program, tracer: tracerSide, access }) => {
  async function expectTold(forwarder: Forwarder, told: Awaited<ReturnType<typeof tracerWith>>) {
    for (let number = 0; number < 500; number += 1) forwarder.trace({ namespace: "N", data: { number } });
    await eventually(() => expect(told.accounts().written).toBe(500));
    const numbers = (await told.linesOf("shop")).map((line) => JSON.parse(line).data.number);
    expect(numbers).toEqual(Array.from({ length: 500 }, (_, number) => number));
    expect(problems).toEqual([]);
  }

  test("messages reach a listening tracer, with the credentials it requires", async () => {
    const listen = await somewhere(kind);
    await using tracer = await tracerWith(placed({ listen, ...tracerSide, ...access }));
    await expectTold(open(listen, placed(program)), tracer);
  });

  test("messages reach a tracer that connects with the credentials the program requires", async () => {
    const address = await somewhere(kind);
    const listening =
      kind === "tls"
        ? { tls: { ...own("server"), ...clientAuthority } }
        : placed({ ...tracerSide, ...("tokenFile" in program && { tokenFile: "token" }) });
    const forwarder = open(address, { mode: "listen", ...listening });
    await using tracer = await tracerWith({ connect: address, ...placed(program) });
    await expectTold(forwarder, tracer);
  });
});

test("a refused token is reported and read again: the right one is accepted", async () => {
  const listen = await somewhere("ws");
  const access = [{ tokenFile: file("token"), nodes: ["shop"] }];
  await using tracer = await tracerWith({ listen, access });
  await writeFile(file("own-token"), "a-token-of-some-one-else\n");
  const reconnect = { initialMs: 300, maxMs: 300 };
  const forwarder = open(listen, { tokenFile: file("own-token"), reconnect });
  forwarder.trace({ namespace: "N" });
  await eventually(() => expect(problems[0]?.message).toContain("does not accept our credentials"));
  await writeFile(file("own-token"), `${token}\n`);
  await eventually(() => expect(tracer.accounts().written).toBe(1));
});

test.each([
  { what: "a certificate of an unknown authority", tls: {}, reason: "certificate" },
  {
    what: "a missing file",
    tls: { caFile: "/nowhere/ca.pem" },
    reason: "tls.caFile: /nowhere/ca.pem",
  },
])("$what is reported, and nothing is thrown", async ({ tls, reason }) => {
  const listen = await somewhere("tls");
  await using tracer = await tracerWith({ listen, tls: own("server"), access: "anyone" });
  const forwarder = open(listen, { tls });
  forwarder.trace({ namespace: "N" });
  await eventually(() => expect(problems[0]?.message).toContain(reason));
  expect(problems[0]?.code).toBe("connection");
  expect(tracer.accounts().received).toBe(0);
});

test("a listening program refuses a tracer with another token, and reports it", async () => {
  const address = await somewhere("ws");
  const forwarder = open(address, { mode: "listen", tokenFile: file("token") });
  forwarder.trace({ namespace: "N" });
  await using tracer = await tracerWith({ connect: address, tokenFile: file("other-token") });
  await eventually(() => expect(problems[0]?.message).toContain("was refused: token"));
  expect(tracer.accounts().received).toBe(0);
});

test.each([
  { address: "tcp://a:1", options: { tls: authority }, reason: "tls is for tls: and wss: only" },
  { address: "tls://a:1", options: { tokenFile: "t" }, reason: "tokenFile is for ws: and wss: only" },
  {
    address: "tls://a:1",
    options: { tls: { certificateFile: "c" } },
    reason: "certificateFile and certificateKeyFile need each other",
  },
  { address: "tls://a:1", options: { tls: clientAuthority }, reason: "clientCaFile is for mode listen" },
  { address: "ws://a:1/", options: { access: "anyone" }, reason: "access is for mode listen" },
  { address: "tls://a:1", options: { mode: "listen" }, reason: "TLS needs tls.certificateFile" },
  {
    address: "tls://a:1",
    options: { mode: "listen", tls: { ...own("server"), ...authority } },
    reason: "for mode connect",
  },
  { address: "ws://a:1/", options: { mode: "listen" }, reason: "any tracer could connect" },
  { address: "wss://a:1/?token=x", options: {}, reason: "more than a path" },
] as const)("$address with $options is refused at the start: $reason", ({ address, options, reason }) => {
  expect(() => open(address, options)).toThrow(reason);
});

/** The output of a program that only opens a forwarder and waits a little, and its duration. */
async function programWith(
  options: object,
  environment = {},
): Promise<{ code: number | null; printed: string }> {
  const program = `
    import { openForwarder } from "muninn/forwarder";
    const onProblem = ({ message }) => process.stdout.write(message);
    const forwarder = openForwarder({ name: "brief", onProblem, ...JSON.parse(process.argv[1]) });
    forwarder.trace({ namespace: "N" });
    setTimeout(() => process.stdout.write(String(forwarder.stats().connections)), 1_500);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, JSON.stringify(options)], {
    env: { ...process.env, ...environment },
  });
  let printed = "";
  for (const output of [child.stdout, child.stderr])
    output.on("data", (chunk) => {
      printed += chunk;
    });
  // An attempt is given up after 10 s: a program that waits for it is killed before that.
  const killing = setTimeout(() => child.kill("SIGKILL"), 8_000);
  const [code] = await once(child, "exit");
  clearTimeout(killing);
  return { code, printed };
}

describe("a program with nothing else to do ends", () => {
  let server: Server;
  let sockets: Socket[];
  beforeEach(async () => {
    sockets = [];
    server = createServer((socket) => {
      socket.on("error", () => {});
      sockets.push(socket);
    });
    server.listen(0, "localhost");
    await once(server, "listening");
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const port = () => (server.address() as AddressInfo).port;

  test.each(["tls", "ws", "wss"])("even if it is connected to a tracer over %s:", async (kind) => {
    const listen = await somewhere(kind);
    const tls = kind === "ws" ? {} : { tls: own("server") };
    await using _ = await tracerWith({ listen, ...tls, access: "anyone" });
    const program = { address: listen, ...(kind === "ws" ? {} : { tls: authority }) };
    expect(await programWith(program)).toEqual({ code: 0, printed: "1" });
  });

  test.each(["tls", "ws", "wss"])("even if a tracer never answers over %s:", async (kind) => {
    const address = `${kind}://localhost:${port()}`;
    expect(await programWith({ address })).toEqual({ code: 0, printed: "0" });
    expect(sockets).not.toHaveLength(0);
  });

  test("even if a proxy never answers", async () => {
    const proxy = { HTTPS_PROXY: `http://localhost:${port()}`, NO_PROXY: "" };
    const ended = await programWith({ address: "wss://tracer.example" }, proxy);
    expect(ended).toEqual({ code: 0, printed: "0" });
    expect(sockets).not.toHaveLength(0);
  });

  test.each(["tls", "ws", "wss"])("even if a peer connects over %s: and sends nothing", async (kind) => {
    const address = await somewhere(kind);
    const tls = kind === "ws" ? {} : { tls: own("server") };
    const ended = programWith({ address, mode: "listen", access: "anyone", ...tls });
    const { connect } = await import("node:net");
    const peer = await eventually(async () => {
      const socket = connect(Number(new URL(address.replace(/^\w+/, "http")).port), "localhost");
      sockets.push(socket);
      await once(socket, "connect");
      return socket;
    });
    peer.on("error", () => {});
    expect(await ended).toEqual({ code: 0, printed: "0" });
  });
});
