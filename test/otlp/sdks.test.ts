import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { freePort, Workplace } from "../end-to-end/daemon.js";
import { leftOut } from "../left-out.js";
import { arrivalOf } from "./arrival.js";

const many = 100_000;
const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const run = promisify(execFile);

/** Where .ci/run creates it. */
const python = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "muninn/otel/venv/bin/python");
const missing = existsSync(python) ? undefined : "no Python with opentelemetry-sdk";

interface Ports {
  readonly http: string;
  readonly grpc: string;
}

/** Makes an SDK send its records while Muninn is stopped and restarted; all must arrive, and duplicates are reported. */
async function expectAllOver(
  service: string,
  send: (to: Ports) => Promise<unknown>,
): Promise<readonly Record<string, unknown>[]> {
  await using place = await Workplace.open();
  const host = "127.0.0.1";
  const [port, grpcPort] = [await freePort(host), await freePort(host)];
  const config = { muninn: { otlp: { host, port, grpcPort } } };
  const first = await place.start(config);
  const sent = send({ http: `${host}:${port}`, grpc: `${host}:${grpcPort}` });
  sent.catch(() => {});
  await eventually(async () => expect((await place.linesOf(service)).length).toBeGreaterThan(many / 10));
  expect(await first.stop()).toBe(0);
  expect((await place.linesOf(service)).length).toBeLessThan(many);
  const second = await place.start(config);
  await sent;
  expect(await second.stop()).toBe(0);
  const lines = (await place.linesOf(service)).map((line) => JSON.parse(line));
  const bodies = lines.map(({ data }) => data.body);
  const wanted = Array.from({ length: many }, (_, n) => String(n));
  const { doubles } = arrivalOf(bodies, wanted);
  console.log(`${many} records, ${doubles} of them twice`);
  return lines;
}

test.each([
  ["protobuf", "gzip"],
  ["JSON", "none"],
])(
  "100,000 records of the Node SDK arrive across a restart, in %s with compression %s",
  { timeout: 180_000 },
  async (form, compression) => {
    // The SDK names a service without a name after its program.
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
    const lines = await expectAllOver("unknown_service_node", ({ http }) =>
      run("node", [program("emit.cjs"), form, compression, http, `${many}`], { env }),
    );
    // It sends several requests at once, so their order is not defined.
    expect(lines[0]).toMatchObject({ ns: "Shop", sev: "Warning", data: { attributes: { kind: "Sold" } } });
  },
);

describe.skipIf(missing !== undefined)(`the Python SDK${leftOut(missing)}`, () => {
  test.each(["http", "grpc"] as const)(
    "100,000 records arrive across a restart, in order, over %s",
    { timeout: 180_000 },
    async (transport) => {
      const lines = await expectAllOver("snake", (to) =>
        run(python, [program("emit.py"), transport, to[transport], `${many}`]),
      );
      const numbers = new Set(lines.map(({ data }) => Number((data as { body: string }).body)));
      expect([...numbers].every((number, n) => number === n)).toBe(true);
    },
  );
});
