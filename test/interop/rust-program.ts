import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { TestContext } from "vitest";
import type { Workplace } from "../end-to-end/daemon.js";

/** The programs, which `.ci/run` builds. */
const tracer = process.env.HERMOD_TRACER ?? "hermod-tracer";
const acceptor = process.env.HERMOD_ACCEPTOR ?? "hermod-acceptor";
const forwarder = process.env.RUST_FORWARDER ?? "rust-forwarder";

/** An end of a connection, as a configuration names it. */
type Network =
  | { readonly tag: "AcceptAt"; readonly contents: string }
  | { readonly tag: "ConnectTo"; readonly contents: readonly string[] };

export interface RustTracerOptions {
  readonly network: Network;
  readonly forwardTo?: Network;
  /** The name of its configuration and its logs in the workplace. @default "hermod" */
  readonly name?: string;
  /** @default mainnet's */
  readonly networkMagic?: number;
}

/** Where a Rust tracer of a workplace writes. */
export function tracerLogs(place: Workplace, name = "hermod"): string {
  return place.path(name);
}

/** A program with the crate `hermod-tracer` in it, an independent implementation of the protocol. */
export class RustProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(program: string, flags: readonly string[], stdout: "ignore" | number = "ignore") {
    this.#child = spawn(program, flags, { stdio: ["ignore", stdout, "inherit"] });
    this.#exited = once(this.#child, "close");
  }

  /** The crate's tracer, with logs below `tracerLogs`; skips the test if it is missing. */
  static async tracer(
    context: TestContext,
    place: Workplace,
    { network, forwardTo, name = "hermod", networkMagic = 764_824_073 }: RustTracerOptions,
  ): Promise<RustProgram> {
    skipWithout(context, tracer, "cargo install hermod-tracer, or HERMOD_TRACER");
    const config = {
      networkMagic,
      network,
      logging: [{ logRoot: tracerLogs(place, name), logMode: "FileMode", logFormat: "ForMachine" }],
      ...(forwardTo && { hasForwarding: { network: forwardTo, forwarderOpts: {} } }),
    };
    const file = place.path(`${name}.yaml`);
    // JSON is YAML.
    await writeFile(file, JSON.stringify(config));
    return new RustProgram(tracer, ["--config", file]);
  }

  /** The crate's acceptor, which listens on `socket` and writes each object to `file` as a line of JSON. */
  static acceptor(context: TestContext, socket: string, file: string): RustProgram {
    skipWithout(context, tracer, "cargo install hermod-tracer, or HERMOD_ACCEPTOR");
    const stdout = openSync(file, "w");
    const program = new RustProgram(acceptor, [socket], stdout);
    closeSync(stdout);
    return program;
  }

  /** The program in `forwarder/`, which documents its arguments; skips the test if it is missing. */
  static forwarder(context: TestContext, flags: readonly string[]): RustProgram {
    skipWithout(context, forwarder, "cargo install --path test/interop/forwarder, or RUST_FORWARDER");
    return new RustProgram(forwarder, flags);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#exited;
  }
}

/** Without arguments they report what is missing and exit. */
function skipWithout(context: TestContext, program: string, remedy: string): void {
  if (spawnSync(program).error !== undefined) context.skip(`${program} is not on PATH (${remedy})`);
}
