import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/load.js";
import type { TraceObject } from "../../../src/protocol/trace-object.js";
import { eventually } from "../../../src/testing/eventually.js";
import { NumberedSource } from "../../../src/testing/numbered-source.js";
import { ScriptedSource } from "../../../src/testing/scripted-source.js";
import { simulatedNode } from "../../../src/testing/simulated-node.js";
import { startTracer, type TestTracer } from "../../../src/testing/test-tracer.js";
import { traceObject } from "../../batches.js";
import { certificateFile } from "../../transport/certificates.js";
import { clientCertificate, flagsForClientCertificates } from "./client-certificates.js";
import { NatsServer, newServer, packagedServer, withManager } from "./nats-server.js";
import { readStream } from "./stream-contents.js";

const stream = "TRACES";
let open: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of open.reverse()) await end();
  open = [];
});

async function tracerWith(options: object): Promise<TestTracer> {
  const tracer = await startTracer({
    config: {
      hasPrometheus: { epHost: "127.0.0.1", epPort: 0 },
      muninn: { sinks: [{ kind: "nats", stream, create: {}, ...options }] },
    },
  });
  open.push(() => tracer[Symbol.asyncDispose]());
  return tracer;
}

async function numbered(tracer: TestTracer, name: string, count: number): Promise<void> {
  const node = await simulatedNode({
    source: new NumberedSource({ name, count }),
    network: { mode: "connect", address: tracer.address },
  });
  open.push(() => node.stop());
}

async function scripted(tracer: TestTracer, name: string, objects: readonly TraceObject[]): Promise<void> {
  const source = new ScriptedSource({ name, objects });
  const node = await simulatedNode({ source, network: { mode: "connect", address: tracer.address } });
  open.push(() => node.stop());
}

const own = async (tracer: TestTracer) =>
  (await fetch(`http://${tracer.served.get("prometheus")}/metrics/self`)).text();
const health = async (tracer: TestTracer) =>
  (await fetch(`http://${tracer.served.get("prometheus")}/healthz`)).text();

async function streamMade(server: { readonly url: string }): Promise<void> {
  await withManager(server, (manager) => eventually(() => manager.streams.info(stream)));
}

async function serverOf(program: string, flags: readonly string[] = []): Promise<NatsServer> {
  const server = await NatsServer.start(program, flags);
  open.push(() => server[Symbol.asyncDispose]());
  return server;
}

const programs = [packagedServer, newServer].filter((program) => program !== undefined);

describe.skipIf(programs.length === 0).each(programs)("a server %s", (program) => {
  let server: NatsServer;
  beforeEach(async () => {
    server = await serverOf(program);
  });

  test.each([true, false])(
    "required %s: every object is in the stream once, in order, and is counted",
    async (required) => {
      const tracer = await tracerWith({ servers: [server.url], required, batchBytes: "8KiB" });
      await streamMade(server);
      await Promise.all(["one", "two", "three"].map((name) => numbered(tracer, name, 500)));
      await eventually(() =>
        expect(tracer.accounts()).toEqual({ received: 3_000, written: 3_000, dropped: 0 }),
      );
      const { messages, linesOf, jumps } = await readStream(server, stream);
      expect(jumps).toBe(0);
      for (const name of ["one", "two", "three"]) {
        expect(linesOf.get(name)).toEqual(await tracer.linesOf(name));
        expect(linesOf.get(name)).toHaveLength(500);
      }
      expect(new Set(messages.map(({ subject }) => subject))).toEqual(
        new Set(["muninn.trace.one", "muninn.trace.two", "muninn.trace.three"]),
      );
      expect(await own(tracer)).toMatch(/^muninn_nats_objects_total\{sink="nats:TRACES"\} 1500$/m);
    },
  );

  test("headers contain node, directory, slug, start, first number, count and format", async () => {
    const tracer = await tracerWith({ servers: [server.url], subject: "pool.{slug}.traces" });
    await scripted(tracer, "Büro:1", [traceObject(), traceObject()]);
    await eventually(() => expect(tracer.accounts().written).toBe(4));
    const { messages } = await readStream(server, stream);
    const [{ headers, subject, facts }] = [messages[0]!];
    expect(subject).toBe("pool.buro-1.traces");
    expect(headers.get("Muninn-Format")).toBe("1");
    expect(facts).toMatchObject({
      node: { name: "Büro_1", directory: "Büro_1", slug: "buro-1" },
      first: 1,
      count: 2,
    });
    expect(headers.get("Nats-Msg-Id")).toBe(`${facts.start}:buro-1:1`);
  });

  test("an object of 16 MiB is sent in parts that the server accepts, and read back whole", async () => {
    const tracer = await tracerWith({ servers: [server.url] });
    const machine = JSON.stringify({ data: "x".repeat(16 * 2 ** 20 - 1_000) });
    await scripted(tracer, "relay", [traceObject(), traceObject({ machine }), traceObject()]);
    await eventually(() => expect(tracer.accounts()).toEqual({ received: 6, written: 6, dropped: 0 }));
    const { messages, linesOf } = await readStream(server, stream);
    // While such an object is being sent, the node's name may arrive too late.
    const lines = [...linesOf.values()].flat();
    expect(lines.map(({ length }) => length)).toEqual([13, machine.length, 13]);
    expect(lines[1] === machine).toBe(true);
    expect(messages.filter(({ facts }) => facts.part !== undefined).length).toBeGreaterThan(16);
  });

  test("a server that is killed and returns gets everything once; meanwhile nodes wait, and health says so", async () => {
    const tracer = await tracerWith({ servers: [server.url], timeout: "500ms", batchBytes: "2KiB" });
    await streamMade(server);
    await numbered(tracer, "one", 3_000);
    await eventually(async () =>
      expect(await own(tracer)).toMatch(/^muninn_nats_messages_total\{.*\} [1-9]/m),
    );
    await server.kill();
    await eventually(async () => expect(await health(tracer)).toContain("Start the NATS servers"));
    await server.start();
    await eventually(() =>
      expect(tracer.accounts()).toEqual({ received: 6_000, written: 6_000, dropped: 0 }),
    );
    const { linesOf, jumps } = await readStream(server, stream);
    expect(jumps).toBe(0);
    expect(linesOf.get("one")).toEqual(await tracer.linesOf("one"));
  });

  test("a message sent again after its acknowledgement was lost is in the stream once", async () => {
    // So short that acknowledgements are too late at first.
    const tracer = await tracerWith({ servers: [server.url], timeout: "1ms", batchBytes: "16KiB" });
    await streamMade(server);
    await numbered(tracer, "one", 2_000);
    await eventually(() => expect(tracer.accounts().written).toBe(4_000), { withinMs: 60_000 });
    const { linesOf, jumps } = await readStream(server, stream);
    expect(jumps).toBe(0);
    expect(linesOf.get("one")).toHaveLength(2_000);
  });

  test("a best-effort sink drops the oldest messages from a full queue and counts them; numbers show the gap", async () => {
    await server.kill();
    const tracer = await tracerWith({ servers: [server.url], required: false, queueBytes: "1MiB" });
    const machine = JSON.stringify({ data: "x".repeat(100_000) });
    const objects = Array.from({ length: 40 }, () => traceObject({ machine }));
    await scripted(tracer, "relay", objects);
    await eventually(async () =>
      expect(await own(tracer)).toMatch(/sink="nats:TRACES",reason="queue-full"\} [1-9]/),
    );
    await server.start();
    await eventually(() => {
      const { received, written, dropped } = tracer.accounts();
      expect(received).toBe(80);
      expect(written + dropped).toBe(80);
    });
    const { linesOf } = await readStream(server, stream);
    expect(tracer.accounts().dropped).toBe(40 - linesOf.get("relay")!.length);
  });

  test("an existing stream stays unchanged, and a missing one that must not be created is reported", async () => {
    const tracer = await tracerWith({ servers: [server.url], create: undefined });
    await scripted(tracer, "relay", [traceObject()]);
    await eventually(async () => expect(await health(tracer)).toContain("no stream accepts its subject"));
    await withManager(server, (manager) =>
      manager.streams.add({ name: stream, subjects: ["muninn.trace.*"], max_age: 60e9 }),
    );
    await eventually(() => expect(tracer.accounts().written).toBe(2));
    const second = await tracerWith({
      servers: [server.url],
      create: { maxAge: "1h", maxBytes: "100MiB", replicas: 1 },
    });
    await scripted(second, "other", [traceObject()]);
    await eventually(() => expect(second.accounts().written).toBe(2));
    const { config } = await withManager(server, (manager) => manager.streams.info(stream));
    expect(config.max_age).toBe(60e9);
  });

  test("a created stream has the configured settings", async () => {
    const create = { replicas: 1, maxAge: "1h", maxBytes: "100MiB", duplicateWindow: "10m" };
    await tracerWith({ servers: [server.url], create });
    await streamMade(server);
    const { config } = await withManager(server, (manager) => manager.streams.info(stream));
    expect(config).toMatchObject({
      subjects: ["muninn.trace.*"],
      storage: "file",
      discard: "new",
      num_replicas: 1,
      max_age: 3_600e9,
      max_bytes: 100 * 2 ** 20,
      duplicate_window: 600e9,
    });
  });

  test("a tracer stopped while the stream is away counts the waiting objects as stopped", async () => {
    await server.kill();
    const tracer = await tracerWith({ servers: [server.url] });
    await scripted(tracer, "relay", [traceObject()]);
    await eventually(() => expect(tracer.accounts().received).toBe(2));
    await tracer.stop();
    expect(tracer.accounts()).toEqual({ received: 2, written: 1, dropped: 1 });
  });
});

describe.skipIf(newServer === undefined)("credentials", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "muninn-nats-keys-"));
    open.push(() => rm(directory, { recursive: true, force: true }));
  });

  test.each([
    ["user and password", ["--user", "u", "--pass", "p"], { user: "u", password: "p" }],
    ["a token", ["--auth", "t0ken"], { token: "t0ken" }],
  ])("%s", async (_, flags, credentials) => {
    const server = await serverOf(newServer!, flags);
    const tracer = await tracerWith({ servers: [server.url], ...credentials });
    await scripted(tracer, "relay", [traceObject()]);
    await eventually(() => expect(tracer.accounts().written).toBe(2));
    const wrong = await tracerWith({ servers: [server.url], token: "wrong" });
    await eventually(async () => expect(await health(wrong)).toMatch(/uthorization/));
  });

  test("an nkey is accepted over TLS", async () => {
    const user = nkeys.createUser();
    const certificates = join(process.cwd(), "test/http/certificates");
    const config = join(directory, "server.conf");
    await writeFile(
      config,
      `authorization { users: [{nkey: ${user.getPublicKey()}}] }
tls { cert_file: "${directory}/chain.pem", key_file: "${certificates}/server-key.pem" }`,
    );
    const chain = ["server", "intermediate"].map((name) =>
      readFile(join(certificates, `${name}.pem`), "utf8"),
    );
    await writeFile(join(directory, "chain.pem"), (await Promise.all(chain)).join("\n"));
    await writeFile(join(directory, "seed"), user.getSeed());
    const server = await serverOf(newServer!, ["-c", config]);
    const tracer = await tracerWith({
      servers: [`tls://localhost:${server.port}`],
      nkeyFile: join(directory, "seed"),
      caFile: join(certificates, "root.pem"),
    });
    await scripted(tracer, "relay", [traceObject()]);
    await eventually(() => expect(tracer.accounts().written).toBe(2));
  });
});

describe.skipIf(newServer === undefined)("servers that want a client's certificate", () => {
  test("accept the one in certificateFile, and nothing from a tracer with none or with another authority's", async () => {
    const server = await serverOf(newServer!, flagsForClientCertificates);
    const servers = [`tls://localhost:${server.port}`];
    const caFile = certificateFile("ca");
    const tracer = await tracerWith({ servers, caFile, ...clientCertificate("pool-a") });
    await scripted(tracer, "relay", [traceObject()]);
    await eventually(() => expect(tracer.accounts().written).toBe(2));
    for (const shown of [{}, clientCertificate("self-signed")]) {
      const refused = await tracerWith({ servers, caFile, ...shown });
      await scripted(refused, "relay", [traceObject()]);
      await eventually(async () =>
        expect(await health(refused)).toMatch(/certificate|closed|alert|ECONNRESET/i),
      );
      expect(refused.accounts().written).toBeLessThan(2);
    }
  });
});

describe.skipIf(newServer === undefined)("a credentials file", () => {
  test("gives a user's JWT and the key that signs", async () => {
    const directory = await mkdtemp(join(tmpdir(), "muninn-nats-jwt-"));
    open.push(() => rm(directory, { recursive: true, force: true }));
    const [operator, user] = [nkeys.createOperator(), nkeys.createUser()];
    const [account, system] = [nkeys.createAccount(), nkeys.createAccount()];
    const unlimited = {
      subs: -1,
      conn: -1,
      data: -1,
      payload: -1,
      imports: -1,
      exports: -1,
      wildcards: true,
    };
    const jetStream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
    const accountJwt = jwt(operator, account, {
      type: "account",
      version: 2,
      limits: { ...unlimited, ...jetStream },
    });
    const userJwt = jwt(account, user, { type: "user", version: 2, subs: -1, data: -1, payload: -1 });
    const config = join(directory, "server.conf");
    await writeFile(
      config,
      `operator: ${jwt(operator, operator, { type: "operator", version: 2 })}
resolver: MEMORY
system_account: ${system.getPublicKey()}
resolver_preload: {
  ${account.getPublicKey()}: ${accountJwt}
  ${system.getPublicKey()}: ${jwt(operator, system, { type: "account", version: 2, limits: unlimited })}
}`,
    );
    const seed = new TextDecoder().decode(user.getSeed());
    const credentialsFile = join(directory, "muninn.creds");
    const framed = (name: string, text: string) =>
      `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`;
    await writeFile(credentialsFile, framed("NATS USER JWT", userJwt) + framed("USER NKEY SEED", seed));
    const server = await serverOf(newServer!, ["-c", config]);
    const tracer = await tracerWith({ servers: [server.url], credentialsFile });
    await scripted(tracer, "relay", [traceObject()]);
    await eventually(() => expect(tracer.accounts().written).toBe(2));
  });
});

/** A token in NATS's form: claims about `subject`, signed by `issuer`. */
function jwt(issuer: nkeys.KeyPair, subject: nkeys.KeyPair, nats: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    jti: "1",
    iat: 1_700_000_000,
    iss: issuer.getPublicKey(),
    name: "n",
    sub: subject.getPublicKey(),
    nats,
  };
  const signed = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part(claims)}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString("base64url")}`;
}

test.each([
  [{ servers: [] }, "at least one server"],
  [{ servers: ["http://a:1"] }, "nats://host:port"],
  [{ servers: ["nats://u:p@a:1"] }, "nats://host:port"],
  [{ subject: "muninn.trace" }, "{slug}"],
  [{ subject: "muninn.>.{slug}" }, "{slug}"],
  [{ stream: "a.b" }, "name of a stream"],
  [{ user: "u" }, "both user and password"],
  [{ token: "t", user: "u", password: "p" }, "must be one of them"],
  [{ certificateFile: "a.pem" }, "both certificateFile and certificateKeyFile"],
  [{ create: { replicas: 9 } }, "1 to 5"],
])("%j is refused with one sentence", async (fields, sentence) => {
  const sink = { kind: "nats", servers: ["nats://127.0.0.1:4222"], stream, ...fields };
  const config = {
    networkMagic: 1,
    network: { tag: "AcceptAt", contents: "/tmp/x.sock" },
    logging: [{ logRoot: "/tmp/x", logMode: "FileMode", logFormat: "ForMachine" }],
    muninn: { sinks: [sink] },
  };
  await expect(parseConfig(JSON.stringify(config), "f")).rejects.toThrow(sentence);
});
