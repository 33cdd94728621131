import type { ServerResponse } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Collector, type Outcome } from "../../../src/sinks/otlp/collector.js";
import { NodeSender, type SenderObserver } from "../../../src/sinks/otlp/node-sender.js";
import { hangUp, refuse, TestCollector, take } from "./test-collector.js";

// A collector's possible answers, by OpenTelemetry Protocol Specification 1.9 (OTLP/HTTP Response) and HTTP itself.

let collector: TestCollector;
beforeEach(async () => {
  collector = await TestCollector.open();
});
afterEach(() => collector.close());

/** An empty request. */
const message = Buffer.from("0a040a001200", "hex");

function client(options: Partial<ConstructorParameters<typeof Collector>[0]> = {}): Collector {
  const usual = { timeoutMs: 10_000, compression: "none", version: "1.2", maxSockets: 16 } as const;
  return new Collector({ url: new URL(collector.url), ...usual, ...options }, { headers: {} });
}

const post = (to = client()) => to.post([message], new AbortController().signal);

test("a request names its sender", async () => {
  await post();
  expect(collector.requests[0]!.headers["user-agent"]).toBe("muninn/1.2");
});

test.each([429, 502, 503, 504])("after %d a request may be sent again", async (status) => {
  collector.next.push(refuse(status));
  expect(await post()).toEqual({ kind: "retry", reason: `status ${status}: no` });
});

test.each([400, 401, 403, 404, 408, 413, 415, 500, 501, 505])(
  "after %d a request is not sent again",
  async (status) => {
    collector.next.push(refuse(status, { "retry-after": "1" }));
    expect(await post()).toEqual({ kind: "refused", reason: `status ${status}: no` });
  },
);

test.each([301, 302, 307, 308])("%d is not followed, and the reason names its location", async (status) => {
  await using other = await TestCollector.open();
  collector.next.push(refuse(status, { location: other.url }));
  expect(await post()).toEqual({ kind: "refused", reason: `status ${status} (moved to ${other.url}): no` });
  expect(other.requests).toEqual([]);
});

const longest = 600_000;
test.each([
  ["0", 0, 0],
  ["7", 7_000, 7_000],
  ["99999999999999999999", longest, longest],
  [() => new Date(Date.now() + 90_000).toUTCString(), 60_000, 90_000],
  [() => new Date(Date.now() - 90_000).toUTCString(), 0, 0],
  ["Fri, 31 Dec 9999 23:59:59 GMT", longest, longest],
])("Retry-After: %s is waited for", async (header, least, most) => {
  collector.next.push(refuse(503, { "retry-after": typeof header === "string" ? header : header() }));
  const { afterMs } = (await post()) as Outcome & { afterMs: number };
  expect(afterMs).toBeGreaterThanOrEqual(least);
  expect(afterMs).toBeLessThanOrEqual(most);
});

test("a Retry-After without a meaning is ignored", async () => {
  collector.next.push(refuse(503, { "retry-after": "soon" }));
  expect(await post()).toEqual({ kind: "retry", reason: "status 503: no" });
});

/** Answers with a status and this many bytes, and then nothing more. */
function endless(status: number, bytes: number) {
  return (response: ServerResponse) => {
    response.writeHead(status);
    response.write(Buffer.alloc(bytes, "x"));
  };
}

describe.each([
  ["has no end", 100_000],
  ["stalls", 10],
])("an answer that %s", (_, bytes) => {
  test.each([
    [200, "accepted"],
    [503, "retry"],
    [400, "refused"],
  ])("is judged by its status: %d is %s", async (status, kind) => {
    collector.next.push(endless(status, bytes));
    // 64 KiB are read of one, and the other is waited for.
    expect((await post(client({ timeoutMs: bytes > 10 ? 3_600_000 : 100 }))).kind).toBe(kind);
  });
});

test("an answer that breaks off is judged by its status, and a request without one may be sent again", async () => {
  collector.next.push((response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("x", () => response.destroy());
  }, hangUp());
  const same = client();
  expect((await post(same)).kind).toBe("accepted");
  expect((await post(same)).kind).toBe("retry");
  expect(await post(same)).toEqual({ kind: "accepted", rejected: 0, reason: "", isSent: true });
});

test.each([
  ["gzip", gzipSync(Buffer.from("0a020803", "hex")), 3],
  ["more gzip than an answer may be", gzipSync(Buffer.alloc(10_000_000)), 0],
  ["bytes that are not gzip", Buffer.from("0a020803", "hex"), 0],
])("the rejected records of an answer in %s are read if possible", async (_, body, rejected) => {
  collector.next.push((response) => {
    response.writeHead(200, { "content-encoding": "gzip" });
    response.end(body);
  });
  expect(await post()).toEqual({ ...accepted, rejected, isSent: true });
  expect(collector.requests[0]!.headers["accept-encoding"]).toBe("gzip");
});

test("a request that was answered leaves no timer", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const one = client();
  expect((await post(one)).kind).toBe("accepted");
  one.stop();
  for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("the time for an answer begins when the request has a connection", async () => {
  collector.next.push(() => {});
  const narrow = client({ maxSockets: 1, timeoutMs: 500 });
  const [stalled, waited] = await Promise.all([post(narrow), post(narrow)]);
  expect([stalled.kind, waited.kind]).toEqual(["retry", "accepted"]);
});

const accepted = { kind: "accepted", rejected: 0, reason: "" } as const;

test("a request that is answered before it was read does not count as sent", async () => {
  const server = createServer((socket) => {
    socket
      .on("error", () => {})
      .once("data", () => {
        socket.pause();
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const early = client({ url: new URL(`http://127.0.0.1:${port}/v1/logs`) });
  const outcome = await early.post([Buffer.alloc(32 * 1_048_576)], new AbortController().signal);
  expect(outcome).toEqual({ ...accepted, isSent: false });
  early.stop();
  server.close();
});

describe("the sender of a node", () => {
  let given: Buffer[] = [];
  const noObserver: SenderObserver = { sent() {}, warned() {}, retrying() {}, rejected() {} };

  async function sendOne(
    outcomes: readonly Outcome[],
    observer: Partial<SenderObserver>,
    random = () => -0.5,
  ) {
    const left = [...outcomes];
    given = [];
    const memory = Buffer.alloc(0);
    const sender = new NodeSender({
      resource: () => ({}),
      version: "1",
      batchObjects: 10,
      batchBytes: 1_000,
      delayMs: 0,
      post: async () => left.shift()!,
      observer: { ...noObserver, ...observer },
      giveBack: (memory) => given.push(memory),
      signal: new AbortController().signal,
      random,
    });
    return new Promise<object>((settle) => sender.send({ bytes: memory, memory, count: 10, settle }));
  }

  test("waits from half to one and a half of a pause that doubles up to half a minute", async () => {
    const pauses: number[] = [];
    const retrying = (_: string, afterMs: number) => pauses.push(afterMs);
    const retries = Array<Outcome>(7).fill({ kind: "retry", reason: "" });
    // Time runs a thousand times as fast.
    await sendOne(
      [...retries, { kind: "accepted", rejected: 0, reason: "", isSent: true }],
      { retrying },
      () => -0.499,
    );
    expect(pauses.map(Math.round)).toEqual([1, 2, 4, 8, 16, 30, 30]);
  });

  test("waits as long as the collector asks", async () => {
    const pauses: number[] = [];
    const retrying = (_: string, afterMs: number) => pauses.push(afterMs);
    await sendOne(
      [
        { kind: "retry", reason: "", afterMs: 20 },
        { kind: "accepted", rejected: 0, reason: "", isSent: true },
      ],
      { retrying },
    );
    expect(pauses).toEqual([20]);
  });

  test.each([
    [3, 3],
    [10, 10],
    [11, 10],
    [Number.MAX_VALUE, 10],
    [-3, 0],
    [Number.NaN, 0],
    [0.7, 0],
  ])("if a collector claims to have rejected %d of ten records, %d are lost", async (said, lost) => {
    const dropped = await sendOne([{ kind: "accepted", rejected: said, reason: "", isSent: true }], {});
    expect(dropped).toEqual(lost === 0 ? {} : { rejected: lost });
  });

  test.each<readonly [string, readonly Outcome[], number]>([
    ["of a request sent at the first attempt is", [{ ...accepted, isSent: true }], 1],
    ["of a request that is still being sent is not", [{ ...accepted, isSent: false }], 0],
    [
      "that an earlier attempt may still be sending is not",
      [
        { kind: "retry", reason: "" },
        { ...accepted, isSent: true },
      ],
      0,
    ],
    ["of a refused request is not", [{ kind: "refused", reason: "" }], 0],
  ])("memory %s given back", async (_, outcomes, times) => {
    await sendOne(outcomes, {});
    expect(given).toHaveLength(times);
  });

  test("passes on the message of a collector that accepted everything", async () => {
    const warnings: string[] = [];
    await sendOne([{ kind: "accepted", rejected: 0, reason: "slow down", isSent: true }], {
      warned: (text) => warnings.push(text),
    });
    expect(warnings).toEqual(["slow down"]);
  });
});

test("the number of rejected records is read as the collector wrote it, even if negative", async () => {
  collector.next.push(take(-5, "ünsure"));
  expect(await post()).toEqual({ kind: "accepted", rejected: -5, reason: "ünsure", isSent: true });
});
