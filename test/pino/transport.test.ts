import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually, startTracer, type TestTracer } from "../../src/testing/entry.js";
import { formatAddress } from "../../src/transport/address.js";
import { freePort } from "../end-to-end/daemon.js";
import { certificateFile } from "../transport/certificates.js";
import { makeUserPackage } from "../user-package.js";

/** A user's package, with pino and Muninn among its dependencies. */
let directory: string;
beforeEach(async () => {
  directory = await makeUserPackage("pino");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

/** Starts a program with a `logger`. */
async function begin(
  address: string,
  code: string,
  { transport = {}, logger = {} } = {},
): Promise<{ child: ChildProcess; ended: Promise<Ended> }> {
  const options = JSON.stringify({ name: "shop", address, ...transport });
  const head = `import { pino } from "pino";
const logger = pino({ ...${JSON.stringify(logger)}, transport: { target: "muninn/pino", options: ${options} } });\n`;
  const file = join(directory, "program.js");
  await writeFile(file, head + code);
  const child = spawn(process.execPath, [file], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, "close").then(([status]) => ({ code: status as number | null, stderr }));
  return { child, ended };
}

/** Runs a program with a `logger` until it exits. */
async function run(...program: Parameters<typeof begin>): Promise<Ended> {
  return (await begin(...program)).ended;
}

interface Line {
  readonly ns: string;
  readonly sev: string;
  readonly thread: string;
  readonly data: Record<string, unknown>;
}

async function linesAt(tracer: TestTracer): Promise<Line[]> {
  await tracer.settled();
  return (await tracer.linesOf("shop")).map((line) => JSON.parse(line) as Line);
}

test("levels, names, child bindings and errors with their stack reach a tracer", async () => {
  await using tracer = await startTracer();
  const code = `
logger.trace("1");
logger.debug("2");
logger.child({ order: 17 }).child({ item: 3 }).warn({ left: 2 }, "only %d left", 2);
logger.error(new Error("no apples"), "cannot sell");
logger.fatal({ ns: "Shop.End", severity: "Emergency" }, "over");`;
  const ended = await run(formatAddress(tracer.address), code, {
    logger: { name: "orders", level: "trace" },
  });
  expect(ended).toEqual({ code: 0, stderr: "" });
  const lines = await linesAt(tracer);
  expect(lines.map(({ ns, sev }) => [ns, sev])).toEqual([
    ["orders", "Debug"],
    ["orders", "Debug"],
    ["orders", "Warning"],
    ["orders", "Error"],
    ["Shop.End", "Emergency"],
  ]);
  expect(lines[2]!.data).toEqual({ order: 17, item: 3, left: 2, msg: "only 2 left" });
  const { type, message, stack } = lines[3]!.data.err as Record<string, string>;
  expect({ type, message }).toEqual({ type: "Error", message: "no apples" });
  expect(stack).toMatch(/program\.js:\d+/);
  expect(lines[0]!.thread).toMatch(/^\d+$/);
});

test("messages reach a tracer over wss with a token, as they do over a socket file", async () => {
  const tokenFile = join(directory, "token");
  await writeFile(tokenFile, "a-token-of-16-signs\n");
  const listen = `wss://localhost:${await freePort("localhost")}/nodes`;
  const access = [{ tokenFile, nodes: ["shop"] }];
  const own = {
    certificateFile: certificateFile("server"),
    certificateKeyFile: certificateFile("server-key"),
  };
  await using tracer = await startTracer({ config: { muninn: { links: [{ listen, tls: own, access }] } } });
  const transport = { tls: { caFile: certificateFile("ca") }, tokenFile };
  const ended = await run(listen, 'logger.info({ n: 1 }, "hello")', { transport });
  expect(ended).toEqual({ code: 0, stderr: "" });
  expect(await linesAt(tracer)).toMatchObject([{ ns: "shop", data: { n: 1, msg: "hello" } }]);
});

test("a program's own levels have the severities from the options", async () => {
  await using tracer = await startTracer();
  const transport = { severities: { notice: "Notice" }, prefix: "Shop" };
  const logger = { customLevels: { notice: 35 }, messageKey: "text", name: "orders" };
  const ended = await run(formatAddress(tracer.address), 'logger.notice("hello")', { transport, logger });
  expect(ended).toEqual({ code: 0, stderr: "" });
  expect(await linesAt(tracer)).toMatchObject([
    { ns: "Shop.orders", sev: "Notice", data: { text: "hello" } },
  ]);
});

/** More than the forwarder's queue holds. */
const many = 30_000;

describe("a burst of lines reaches the tracer completely", () => {
  test.each([
    ["from a program that ends", "", 0],
    ["from a program that calls process.exit", "process.exit(3);", 3],
    ["from a program that crashes", 'throw new Error("crashed");', 1],
  ])("%s", { timeout: 60_000 }, async (_, end, status) => {
    await using tracer = await startTracer();
    const code = `for (let n = 0; n < ${many}; n += 1) logger.info({ n });\n${end}`;
    const { code: ended } = await run(formatAddress(tracer.address), code);
    expect(ended).toBe(status);
    const numbers = (await linesAt(tracer)).map(({ data }) => data.n);
    expect(numbers).toHaveLength(many);
    expect(numbers.every((number, n) => number === n)).toBe(true);
  });
});

test("lines of many MiB, more than the queue holds at once, all reach the tracer, in order", async () => {
  await using tracer = await startTracer();
  const sizes = [10, 9_000_000, 10, 16_700_000, 10, 9_000_000, 12_000_000, 10];
  const code = `for (const [n, size] of ${JSON.stringify(sizes)}.entries()) logger.info({ n, text: "x".repeat(size) });
logger.info("y".repeat(12_000_000));`;
  const transport = { flushMs: 20_000 };
  expect(await run(formatAddress(tracer.address), code, { transport })).toEqual({ code: 0, stderr: "" });
  const lines = (await linesAt(tracer)).map(
    ({ data }) => data as { n?: number; text?: string; msg?: string },
  );
  expect(lines.map(({ n, text, msg }) => [n, (text ?? msg)!.length])).toEqual([
    ...sizes.map((size, n) => [n, size]),
    [undefined, 12_000_000],
  ]);
}, 60_000);

test("nothing is lost if a program is killed after flush", async () => {
  await using tracer = await startTracer();
  const code = `for (let n = 0; n < 1000; n += 1) logger.info({ n });
logger.flush(() => process.kill(process.pid, "SIGKILL"));
setInterval(() => {}, 1000);`;
  const { code: ended } = await run(formatAddress(tracer.address), code);
  expect(ended).toBe(null);
  expect(await linesAt(tracer)).toHaveLength(1_000);
});

test.each([
  ["process.exit", "process.exit(0);", 0],
  ["an uncaught exception", 'throw new Error("crashed");', 1],
  ["an unhandled rejection", 'await Promise.reject(new Error("crashed"));', 1],
])("a line right before %s, before the worker even starts, reaches the tracer", async (_, end, status) => {
  await using tracer = await startTracer();
  const { code } = await run(formatAddress(tracer.address), `logger.fatal("the end");\n${end}`);
  expect(code).toBe(status);
  expect(await linesAt(tracer)).toMatchObject([{ sev: "Critical", data: { msg: "the end" } }]);
});

test("when a program is killed while it logs, the tracer has its first lines, each once and whole", async () => {
  await using tracer = await startTracer();
  const code = `let n = 0;
setInterval(() => {
  for (let end = n + 100; n < end; n += 1) logger.info({ n });
}, 1);`;
  const { child, ended } = await begin(formatAddress(tracer.address), code);
  await eventually(() => expect(tracer.accounts().written).toBeGreaterThan(5_000));
  child.kill("SIGKILL");
  await ended;
  const numbers = (await linesAt(tracer)).map(({ data }) => data.n);
  expect(numbers.length).toBeGreaterThan(5_000);
  expect(numbers.every((number, n) => number === n)).toBe(true);
});

test("a program keeps logging across restarts of its tracer: no line is doubled or out of order, and the last one arrives", async () => {
  const config = { network: { tag: "AcceptAt", contents: join(directory, "tracer.sock") } };
  const code = `let n = 0;
const writing = setInterval(() => {
  for (let end = n + 20; n < end; n += 1) logger.info({ n });
}, 2);
process.once("SIGTERM", () => {
  clearInterval(writing);
  logger.info({ n, last: true });
});`;
  const transport = { reconnect: { initialMs: 10, maxMs: 20 }, problems: "ignore" };
  const { child, ended } = await begin(config.network.contents, code, { transport });
  const all: Line[] = [];
  for (let start = 1; start <= 5; start += 1) {
    await using tracer = await startTracer({ config });
    await eventually(() => expect(tracer.accounts().written).toBeGreaterThan(500));
    if (start === 5) {
      child.kill("SIGTERM");
      expect(await ended).toEqual({ code: 0, stderr: "" });
      all.push(...(await linesAt(tracer)));
    } else {
      await tracer.stop();
      all.push(...(await linesAt(tracer)));
    }
  }
  const numbers = all.map(({ data }) => data.n as number);
  expect(numbers.every((number, index) => index === 0 || number > numbers[index - 1]!)).toBe(true);
  expect(all.at(-1)!.data.last).toBe(true);
});

test("an absent tracer is reported on stderr and does not delay the program's end", async () => {
  const code = `for (let n = 0; n < ${many}; n += 1) logger.info({ n });`;
  const nowhere = join(directory, "nobody.sock");
  const ended = await run(nowhere, code, { transport: { flushMs: 50 } });
  expect(ended.code).toBe(0);
  expect(ended.stderr).toMatch(/^muninn\/pino: cannot connect to .*nobody\.sock, retrying/m);
  expect(ended.stderr).toMatch(/^muninn\/pino: no tracer asks fast enough: \d+ messages dropped so far/m);
  const quiet = await run(nowhere, code, { transport: { flushMs: 50, problems: "ignore" } });
  expect(quiet).toEqual({ code: 0, stderr: "" });
});

test("flushMs is how long the program's end waits for a tracer that is not there yet", async () => {
  const socket = join(directory, "late.sock");
  const { ended } = await begin(socket, "logger.info({ n: 1 });", { transport: { flushMs: 50_000 } });
  // By default it waits for two seconds.
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  await using tracer = await startTracer({ config: { network: { tag: "AcceptAt", contents: socket } } });
  expect((await ended).code).toBe(0);
  expect(await linesAt(tracer)).toHaveLength(1);
});

test("invalid options end the program with the reason", async () => {
  const { code, stderr } = await run("127.0.0.1:1", "logger.info(1)", { transport: { queueSize: 0 } });
  expect(code).not.toBe(0);
  expect(stderr).toContain("queueSize must be at least 1");
  const wrongLevel = await run("127.0.0.1:1", "logger.info(1)", {
    transport: { severities: { notice: "High" } },
  });
  expect(wrongLevel.stderr).toContain("level notice: High is not a severity");
});
