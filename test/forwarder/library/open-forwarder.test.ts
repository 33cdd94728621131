import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Forwarder,
  type ForwarderProblem,
  type OpenForwarderOptions,
  openForwarder,
} from "../../../src/forwarder/library/entry.js";
import { miniProtocols } from "../../../src/protocol/mini-protocols.js";
import { encodeTraceDone } from "../../../src/protocol/trace-messages.js";
import { eventually, startTracer } from "../../../src/testing/entry.js";
import { formatAddress } from "../../../src/transport/address.js";
import { magic, TracerEnd } from "../tracer-end.js";

let directory: string;
let opened: Forwarder[];
let servers: Server[];
let problems: ForwarderProblem[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-library-"));
  opened = [];
  servers = [];
  problems = [];
});
afterEach(async () => {
  for (const forwarder of opened) await forwarder.close({ deadlineMs: 0 });
  for (const server of servers) server.close();
  await rm(directory, { recursive: true });
});

const socket = () => join(directory, "tracer.sock");

function open(options: Partial<OpenForwarderOptions> = {}): Forwarder {
  const onProblem = (problem: ForwarderProblem) => problems.push(problem);
  const reconnect = { initialMs: 5, maxMs: 50 };
  const forwarder = openForwarder({ name: "shop", address: socket(), reconnect, onProblem, ...options });
  opened.push(forwarder);
  return forwarder;
}

/** The connections of a tracer that the test controls. */
async function tracerEnds(): Promise<TracerEnd[]> {
  const ends: TracerEnd[] = [];
  const server = createServer({ allowHalfOpen: true }, (stream) => {
    stream.on("error", () => {});
    ends.push(new TracerEnd(stream, "listener"));
  });
  server.listen(socket());
  await once(server, "listening");
  servers.push(server);
  return ends;
}

describe.each(["connect", "listen"] as const)("in mode %s", (mode) => {
  test("messages, metrics and data points reach a tracer", async () => {
    const network =
      mode === "connect"
        ? { tag: "AcceptAt", contents: socket() }
        : { tag: "ConnectTo", contents: [socket()] };
    const forwarder = mode === "listen" ? open({ mode }) : undefined;
    await using tracer = await startTracer({
      config: { network, hasPrometheus: { epHost: "127.0.0.1", epPort: 0 } },
    });
    const { trace, metrics, dataPoint, close } = forwarder ?? open({ mode });
    metrics.counter("orders").inc();
    metrics.counter("orders").inc(2);
    metrics.gauge("waiting").set(7.9);
    metrics.real("load").set(0.25);
    dataPoint("Stock", () => ({ apples: 3 }));
    trace({
      namespace: "Shop.Order",
      data: { id: 1 },
      severity: "Warning",
      at: 1_771_234_201_120,
      thread: "7",
    });
    await eventually(() => expect(tracer.accounts().written).toBe(1));
    const [line] = await tracer.linesOf("shop");
    expect(line).toMatch(
      /^\{"at":"2026-02-16T09:30:01\.12Z","ns":"Shop\.Order","data":\{"id":1\},"sev":"Warning","thread":"7","host":"[^"]+"\}$/,
    );
    const points = await tracer.dataPointsOf("shop", ["Stock", "NodeInfo", "Absent"]);
    expect(JSON.parse(Buffer.from(points!.get("Stock")!).toString())).toEqual({ apples: 3 });
    expect(JSON.parse(Buffer.from(points!.get("NodeInfo")!).toString())).toMatchObject({
      niName: "shop",
      niVersion: "",
    });
    expect(points!.get("Absent")).toBeUndefined();
    await eventually(async () => {
      const page = await (await fetch(`http://${tracer.served.get("prometheus")}/shop`)).text();
      expect(page).toMatch(/^orders_counter(_total)? 3$/m);
      expect(page).toMatch(/^waiting_int 7$/m);
      expect(page).toMatch(/^load_real 0.25$/m);
    });
    await close();
  });
});

test("close sends messages queued before a tracer connected, in order", async () => {
  const forwarder = open();
  for (let number = 0; number < 1_000; number += 1) forwarder.trace({ namespace: "N", data: { number } });
  await using tracer = await startTracer({ config: { network: { tag: "AcceptAt", contents: socket() } } });
  await forwarder.close({ deadlineMs: 20_000 });
  await tracer.settled();
  const numbers = (await tracer.linesOf("shop")).map((line) => JSON.parse(line).data.number);
  expect(numbers).toEqual(Array.from({ length: 1_000 }, (_, number) => number));
  expect(forwarder.stats()).toMatchObject({ queued: 0, sent: 1_000, dropped: 0, connections: 1 });
});

test("a full queue drops its oldest messages, counts them, and reports it once", async () => {
  const forwarder = open({ queueSize: 10 });
  for (let number = 0; number < 25; number += 1) forwarder.trace({ namespace: "N", data: { number } });
  expect(forwarder.stats()).toMatchObject({ queued: 10, dropped: 15 });
  expect(problems.filter(({ code }) => code === "dropped")).toHaveLength(1);
  await using tracer = await startTracer({ config: { network: { tag: "AcceptAt", contents: socket() } } });
  await forwarder.close({ deadlineMs: 20_000 });
  await tracer.settled();
  const numbers = (await tracer.linesOf("shop")).map((line) => JSON.parse(line).data.number);
  expect(numbers).toEqual([15, 16, 17, 18, 19, 20, 21, 22, 23, 24]);
});

test("the queue bounds characters as well as objects, and a message larger than the queue is dropped alone", () => {
  const forwarder = open({ queueCharacters: 1_000 });
  for (let number = 0; number < 20; number += 1)
    forwarder.trace({ namespace: "N", data: { text: "x".repeat(100) } });
  const { queued, dropped } = forwarder.stats();
  expect(queued).toBeLessThan(10);
  expect(queued + dropped).toBe(20);
  forwarder.trace({ namespace: "N", data: { text: "x".repeat(2_000) } });
  expect(forwarder.stats()).toMatchObject({ queued, dropped: dropped + 1 });
});

test("a message larger than the queue is reported as such", () => {
  open({ queueCharacters: 1_000 }).trace({ namespace: "N", data: { text: "x".repeat(2_000) } });
  expect(problems).toContainEqual({
    code: "dropped",
    message: expect.stringContaining("more than the 1000 characters of queueCharacters"),
  });
});

const cycle: { self?: object } = {};
cycle.self = cycle;
const hostile = {
  get field() {
    throw new Error("a getter of the program");
  },
};

test.each([
  { what: "a cycle", trace: { namespace: "N", data: cycle } },
  { what: "a BigInt", trace: { namespace: "N", data: { big: 1n } } },
  { what: "a getter that throws", trace: { namespace: "N", data: hostile } },
  { what: "an invalid time", trace: { namespace: "N", at: Number.NaN } },
  { what: "an invalid severity", trace: { namespace: "N", severity: "Loud" as never } },
  { what: "no message at all", trace: undefined as never },
])("$what is counted and reported, and nothing is thrown", ({ trace }) => {
  const forwarder = open();
  forwarder.trace(trace);
  expect(forwarder.stats()).toMatchObject({ queued: 0, unusable: 1 });
  expect(problems.filter(({ code }) => code === "unusable")).toHaveLength(1);
});

test("invalid metrics and data points are reported, and nothing is thrown, even by the callback", async () => {
  const ends = await tracerEnds();
  const onProblem = vi.fn(() => {
    throw new Error("the program's own");
  });
  const { metrics, dataPoint } = open({ onProblem, magic });
  metrics.counter("c").inc(-1);
  metrics.gauge("g").set(Number.NaN);
  dataPoint("bad", () => hostile);
  await vi.waitFor(() => expect(ends).toHaveLength(1), { timeout: 20_000 });
  ends[0]!.shakeHands();
  ends[0]!.askForDataPoints("bad");
  const answers = () => ends[0]!.messages.filter(({ kind }) => kind === "data-points");
  await vi.waitFor(() => expect(answers()).toEqual([{ kind: "data-points", points: [["bad", undefined]] }]), {
    timeout: 20_000,
  });
  expect(onProblem).toHaveBeenCalledTimes(1);
});

test("an address used by another program is reported, and listened on once it is free", async () => {
  await tracerEnds();
  const forwarder = open({ mode: "listen", name: "patient" });
  forwarder.trace({ namespace: "N" });
  await eventually(() => expect(problems[0]?.message).toContain("in use"));
  servers.pop()!.close();
  await using tracer = await startTracer({
    config: { network: { tag: "ConnectTo", contents: [socket()] } },
  });
  await eventually(() => expect(tracer.accounts().written).toBe(1));
  expect(await tracer.linesOf("patient")).toHaveLength(1);
});

test("a program reconnects to a tracer that says done", async () => {
  const ends = await tracerEnds();
  const forwarder = open({ magic });
  await vi.waitFor(() => expect(ends).toHaveLength(1), { timeout: 20_000 });
  ends[0]!.shakeHands();
  ends[0]!.send(miniProtocols.traceObjects, encodeTraceDone());
  ends[0]!.stream.end();
  await vi.waitFor(() => expect(ends.length).toBeGreaterThan(1), { timeout: 20_000 });
  expect(forwarder.stats().connections).toBe(1);
  expect(problems).toEqual([]);
});

test("a tracer that refuses or is absent is reported", async () => {
  await using tracer = await startTracer({ config: { networkMagic: 42 } });
  open({ address: formatAddress(tracer.address), magic: 7 });
  await eventually(() => expect(problems[0]?.message).toContain("refused"));
  expect(problems[0]!.code).toBe("connection");
  problems.length = 0;
  open({ address: join(directory, "absent.sock") });
  await eventually(() => expect(problems[0]?.message).toContain("absent.sock"));
});

test("close ends at its deadline without a tracer, is idempotent, and ends at once with an empty queue", async () => {
  const empty = open();
  const begun = performance.now();
  await empty.close({ deadlineMs: 60_000 });
  const forwarder = open();
  forwarder.trace({ namespace: "N" });
  const closing = forwarder.close({ deadlineMs: 50 });
  expect(forwarder.close()).toBe(closing);
  await closing;
  expect(performance.now() - begun).toBeLessThan(30_000);
  forwarder.trace({ namespace: "N" });
  expect(forwarder.stats()).toMatchObject({ queued: 1, dropped: 1 });
});

test.each([
  { what: "address", options: { address: ":7" }, reason: "no host" },
  { what: "size of the queue", options: { queueSize: 0 }, reason: "queueSize must be at least 1" },
])("an invalid $what is refused at the start", ({ options, reason }) => {
  expect(() => openForwarder({ name: "n", address: socket(), ...options })).toThrow(reason);
});

test.each([
  { what: "no tracer", options: {} },
  { what: "a connected tracer", options: { withTracer: true } },
  { what: "an address to listen at", options: { mode: "listen" } },
])("a program with nothing else to do ends despite $what", async ({ options }) => {
  const tracer =
    "withTracer" in options
      ? await startTracer({ config: { network: { tag: "AcceptAt", contents: socket() } } })
      : undefined;
  const program = `
    import { openForwarder } from "muninn/forwarder";
    const forwarder = openForwarder({ name: "brief", address: process.argv[1], mode: ${JSON.stringify("mode" in options ? options.mode : "connect")} });
    forwarder.trace({ namespace: "N" });
    setTimeout(() => process.stdout.write(String(forwarder.stats().connections)), 1_000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, socket()]);
  let printed = "";
  child.stdout.on("data", (chunk) => {
    printed += chunk;
  });
  const killing = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const [code] = await once(child, "exit");
  clearTimeout(killing);
  expect(code).toBe(0);
  expect(printed).toBe(tracer === undefined ? "0" : "1");
  await tracer?.[Symbol.asyncDispose]();
});
