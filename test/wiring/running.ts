import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../../src/config/config.js";
import { parseConfig } from "../../src/config/load.js";
import { openLog } from "../../src/daemon/log/log.js";
import { startTracer, type Tracer } from "../../src/tracer.js";
import type { Address } from "../../src/transport/address.js";

/** The configuration of a tracer that has its socket and its logs in this directory. */
export async function configIn(directory: string, fields: object): Promise<Config> {
  const text = JSON.stringify({
    networkMagic: 764_824_073,
    network: { tag: "AcceptAt", contents: join(directory, "tracer.sock") },
    logging: [{ logRoot: join(directory, "logs"), logMode: "FileMode", logFormat: "ForMachine" }],
    ...fields,
  });
  return (await parseConfig(text, join(directory, "config.json"))).config;
}

export interface Running extends AsyncDisposable {
  readonly tracer: Tracer;
  /** Where nodes connect. */
  readonly address: Address;
  /** The lines of its log so far. */
  readonly lines: readonly { readonly event: string; readonly [fact: string]: unknown }[];
  /** What it serves there, as JSON. */
  get(endpoint: string, path: string): Promise<unknown>;
}

/** A tracer in this process, with all of its log. */
export async function runningIn(directory: string, fields: object): Promise<Running> {
  const config = await configIn(directory, fields);
  const file = await open(join(directory, "log"), "w");
  const log = await openLog({ verbosity: "Maximum", fd: file.fd });
  const lines: { event: string }[] = [];
  log.tap((line) => lines.push(JSON.parse(line)));
  const tracer = await startTracer(config, { log, version: "1" });
  return {
    tracer,
    address: { kind: "unix", path: join(directory, "tracer.sock") },
    lines,
    get: async (endpoint, path) => (await fetch(`http://${tracer.served.get(endpoint)}${path}`)).json(),
    [Symbol.asyncDispose]: async () => {
      await tracer.stop();
      await log.stop({ deadlineMs: 1_000 });
      await file.close();
    },
  };
}
