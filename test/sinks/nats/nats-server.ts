import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNats } from "@nats-io/transport-node";
import { eventually } from "../../../src/testing/eventually.js";
import { freePort } from "../../end-to-end/daemon.js";

// `apt-get install nats-server` brings 2.9.10; the newer one comes from
// GOBIN=~/.cache/muninn/bin go install github.com/nats-io/nats-server/v2@v2.15.2

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");

/** Debian's, or whichever is on the PATH. */
export const packagedServer = onPath("nats-server");
/** The same, if it is older than 2.10. */
export const olderServer = /v2\.\d\./.test(versionOf(packagedServer)) ? packagedServer : undefined;
/** 2.10 or later. */
export const newServer = [join(cache, "muninn/bin/nats-server")].find((path) => existsSync(path));

if (newServer === undefined || packagedServer === undefined)
  console.warn(
    "some tests of NATS are left out: nats-server is not installed, see test/sinks/nats/nats-server.ts",
  );

function versionOf(server: string | undefined): string {
  return server === undefined ? "" : spawnSync(server, ["--version"], { encoding: "utf8" }).stdout;
}

function onPath(name: string): string | undefined {
  return spawnSync(name, ["--version"]).status === 0 ? name : undefined;
}

/** A real server with JetStream, in a directory of its own that outlives restarts. */
export class NatsServer implements AsyncDisposable {
  readonly #program: string;
  readonly #flags: readonly string[];
  readonly port: number;
  readonly directory: string;
  #child: ChildProcess | undefined;

  private constructor(program: string, port: number, directory: string, flags: readonly string[]) {
    this.#program = program;
    this.port = port;
    this.directory = directory;
    this.#flags = flags;
  }

  static async prepare(program: string, flags: readonly string[] = []): Promise<NatsServer> {
    const directory = await mkdtemp(join(tmpdir(), "muninn-nats-"));
    return new NatsServer(program, await freePort("127.0.0.1"), directory, flags);
  }

  static async start(program: string, flags: readonly string[] = []): Promise<NatsServer> {
    const server = await NatsServer.prepare(program, flags);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  async start(): Promise<void> {
    const { port, directory } = this;
    const flags = ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", directory, ...this.#flags];
    this.#child = spawn(this.#program, flags, { stdio: "ignore" });
    await eventually(
      () =>
        new Promise<void>((resolve, reject) => {
          const socket = connect(port, "127.0.0.1", () => {
            socket.destroy();
            resolve();
          });
          socket.once("error", reject);
        }),
    );
  }

  /** Like a machine that loses its power. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Three servers that store everything together. */
export async function startCluster(program: string): Promise<NatsServer[]> {
  const ports = [await freePort("127.0.0.1"), await freePort("127.0.0.1"), await freePort("127.0.0.1")];
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`);
  const servers: NatsServer[] = [];
  for (const [index, route] of routes.entries()) {
    const cluster = ["--cluster_name", "muninn", "--cluster", route, "--routes", routes.join(",")];
    servers.push(await NatsServer.start(program, ["-n", `n${index}`, ...cluster]));
  }
  await withManager(servers[0]!, (manager) =>
    eventually(async () => {
      const name = "probe";
      await manager.streams.add({ name, subjects: [name], num_replicas: 3 });
      await manager.streams.delete(name);
    }),
  );
  return servers;
}

type Manager = Awaited<ReturnType<typeof jetstreamManager>>;

export async function withManager<T>(
  { url }: { readonly url: string },
  use: (manager: Manager) => Promise<T>,
): Promise<T> {
  const connection = await connectNats({ servers: url });
  try {
    return await use(await jetstreamManager(connection, { checkAPI: false }));
  } finally {
    await connection.close();
  }
}
