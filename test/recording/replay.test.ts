import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { TraceBatch } from "../../src/protocol/trace-batch.js";
import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { TraceReplyDecoder } from "../../src/protocol/trace-reply-decoder.js";
import { lineObject } from "../../src/recording/log-line-object.js";
import { readRecordedMessages } from "../../src/recording/recorded-messages.js";
import { type PlayOptions, ReplayPlayer } from "../../src/recording/replay-player.js";
import { openTracks, type ReplayEvent, type ReplayTrack } from "../../src/recording/replay-track.js";

const vectors = fileURLToPath(new URL("../vectors/", import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-replay-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

function decoded(encoded: Uint8Array): TraceBatch {
  const decoder = new TraceReplyDecoder({ maxObjectBytes: 1_000_000 });
  decoder.push(encodeTraceReply([encoded]));
  return decoder.take()!;
}

test("a line of a log becomes a trace object with its time, namespace, severity, thread and host", () => {
  const line = Buffer.from(
    '{"at":"2026-02-16T09:30:01.1234567Z","ns":"ChainDB.Add","data":{},"sev":"Notice","thread":"31","host":"node-1"}',
  );
  const { at, encoded } = lineObject(line, 0)!;
  const object = decoded(encoded);
  expect(at).toBe(Date.parse("2026-02-16T09:30:01Z") * 1_000 + 123_456);
  expect(Buffer.from(object.machine(0)).equals(line)).toBe(true);
  expect(object.human(0)).toBeUndefined();
  expect(object.namespace(0)).toBe("ChainDB.Add");
  expect(object.severity(0)).toBe("Notice");
  expect(object.timestamp(0)).toBe(BigInt(Date.parse("2026-02-16T09:30:01Z")) * 1_000_000n + 123_456_700n);
  expect(object.host(0)).toBe("node-1");
  expect(object.thread(0)).toBe("31");
});

test("the time of a line may have the form of older nodes", () => {
  const { at } = lineObject(Buffer.from('{"at":"2026-02-16 09:30:01.5 UTC"}'), 0)!;
  expect(at).toBe(Date.parse("2026-02-16T09:30:01.5Z") * 1_000);
});

test.each([
  { what: "namespace in segments", line: '{"ns":["A","B"]}', namespace: "A.B", severity: "Info" },
  { what: "unknown severity", line: '{"sev":"Loud"}', namespace: "", severity: "Info" },
  { what: "no JSON at all", line: "once upon a time", namespace: "", severity: "Info" },
  { what: "JSON other than an object", line: "[1]", namespace: "", severity: "Info" },
  {
    what: "fields of other types",
    line: '{"at":5,"host":{},"thread":1,"sev":"Error"}',
    namespace: "",
    severity: "Error",
  },
])(
  "a line with $what becomes an object with defaults, with the line as its text",
  ({ line, namespace, severity }) => {
    const { at, encoded } = lineObject(Buffer.from(line), 1_500_000)!;
    const object = decoded(encoded);
    expect(at).toBeUndefined();
    expect(Buffer.from(object.machine(0)).toString()).toBe(line);
    expect(object.namespace(0)).toBe(namespace);
    expect(object.severity(0)).toBe(severity);
    expect(object.timestamp(0)).toBe(1_500_000_000n);
  },
);

test("any text is its object's machine text byte for byte, and bytes that are not text give no object", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const line = Buffer.from(text);
      expect(Buffer.from(decoded(lineObject(line, 0)!.encoded).machine(0)).equals(line)).toBe(true);
    }),
  );
  expect(lineObject(Buffer.from([0x7b, 0xff, 0x7d]), 0)).toBeUndefined();
});

async function all(track: ReplayTrack): Promise<ReplayEvent[]> {
  const events: ReplayEvent[] = [];
  for await (const event of track.events()) events.push(event);
  return events;
}

function objectsOf(events: readonly ReplayEvent[]): Buffer[] {
  return events.flatMap(({ message }) =>
    message.kind === "objects" ? message.objects.map((one) => Buffer.from(one)) : [],
  );
}

test("a log directory has a track for each node, with times that never go back and without cardano-tracer's empty lines", async () => {
  for (const node of ["a", "b"]) {
    await mkdir(join(directory, node));
    await writeFile(
      join(directory, node, "node-2026-02-16T09-30-01.json"),
      `\n{"at":"2026-02-16T09:30:02Z"}\nrubbish`,
    );
    await writeFile(
      join(directory, node, "node-2026-02-16T09-30-09.json"),
      '{"at":"2026-02-16T09:30:01Z"}\n',
    );
  }
  const { tracks, remarks } = await openTracks([directory]);
  expect(remarks).toEqual([]);
  expect(tracks.map(({ name }) => name)).toEqual(["a", "b"]);
  const second = Date.parse("2026-02-16T09:30:02Z") * 1_000;
  for (const track of tracks) {
    expect(track.began).toBe(second);
    const events = await all(track);
    expect(events.map(({ at }) => at)).toEqual([second, second, second]);
    const texts = objectsOf(events).map((object) => Buffer.from(decoded(object).machine(0)).toString());
    expect(texts).toEqual(['{"at":"2026-02-16T09:30:02Z"}', "rubbish", '{"at":"2026-02-16T09:30:01Z"}']);
  }
});

test("lines that are not UTF-8 are skipped, with one remark per file", async () => {
  const file = join(directory, "n.json");
  await writeFile(
    file,
    Buffer.concat([Buffer.from("{}\n"), Buffer.from([0xff, 10, 0xfe, 10]), Buffer.from("{}\n")]),
  );
  const { tracks, remarks } = await openTracks([file]);
  expect(objectsOf(await all(tracks[0]!))).toHaveLength(2);
  await all(tracks[0]!);
  expect(remarks).toEqual([expect.stringContaining(`${file}:2`)]);
});

test("a raw stream has one track with all its objects and its data points", async () => {
  const { tracks } = await openTracks([join(vectors, "accept-250.forwarder.bin")]);
  expect(tracks).toHaveLength(1);
  expect(objectsOf(await all(tracks[0]!))).toHaveLength(250);
  expect(tracks[0]!.dataPoints.has("NodeInfo")).toBe(true);
});

/** A track of objects `0`, `1` … at these seconds. */
function trackOf(...seconds: number[]): ReplayTrack {
  return {
    name: "n",
    began: seconds[0]! * 1e6,
    dataPoints: new Map(),
    async *events() {
      for (const [index, second] of seconds.entries())
        yield { at: second * 1e6, message: { kind: "objects", objects: [Uint8Array.of(index)] } };
    },
  };
}

/** Time that passes only when the test says so. */
class FakeClock {
  #now = 0;
  #sleepers: { until: number; wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#sleepers.push({ until: this.#now + milliseconds, wake: resolve });
      signal.addEventListener("abort", () => resolve());
    });
  }

  get asleep(): number {
    return this.#sleepers.length;
  }

  pass(milliseconds: number): void {
    this.#now += milliseconds;
    const due = this.#sleepers.filter(({ until }) => until <= this.#now);
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.#now);
    for (const { wake } of due) wake();
  }
}

const never = new AbortController().signal;
const fast: PlayOptions = { name: "n", speed: Number.POSITIVE_INFINITY, loops: 1 };

async function takeAll(player: ReplayPlayer, count = 3): Promise<number[]> {
  const taken: number[] = [];
  for (
    let objects = await player.take(count, never);
    objects.length > 0;
    objects = await player.take(count, never)
  )
    taken.push(...objects.map(([index]) => index!));
  return taken;
}

test.each([
  { speed: 1, pauseMs: 1_000 },
  { speed: 10, pauseMs: 100 },
])("at speed $speed an object comes out when its time has come, not before", async ({ speed, pauseMs }) => {
  const clock = new FakeClock();
  const player = new ReplayPlayer(trackOf(5, 6, 8), { ...fast, speed, clock });
  expect(await player.take(9, never)).toEqual([Uint8Array.of(0)]);
  for (const [index, pauses] of [1, 2].entries()) {
    await vi.waitFor(() => expect(clock.asleep).toBe(1), { timeout: 20_000 });
    clock.pass(pauses * pauseMs - 1);
    expect(player.takeNow(9)).toEqual([]);
    expect(clock.asleep).toBe(1);
    clock.pass(1);
    expect(await player.take(9, never)).toEqual([Uint8Array.of(index + 1)]);
  }
  expect(await player.take(9, never)).toEqual([]);
  expect(player.isOver).toBe(true);
});

test("at maximum speed all objects come out in order, in batches no larger than requested", async () => {
  const player = new ReplayPlayer(trackOf(...Array.from({ length: 200 }, (_, at) => at * 1_000)), fast);
  await vi.waitFor(() => expect(player.takeNow(0)).toEqual([]));
  expect(await takeAll(player, 7)).toEqual(Array.from({ length: 200 }, (_, at) => at));
  expect(player.taken).toBe(200);
});

test("only the objects between from and to are played, timed from the first of them", async () => {
  const clock = new FakeClock();
  const options = { ...fast, speed: 1, from: 3e6, to: 6e6, clock };
  const player = new ReplayPlayer(trackOf(1, 2, 3, 5, 6), options);
  expect(await player.take(9, never)).toEqual([Uint8Array.of(2)]);
  await vi.waitFor(() => expect(clock.asleep).toBe(1), { timeout: 20_000 });
  clock.pass(2_000);
  expect(await takeAll(player)).toEqual([3]);
});

test("metrics that a node had sent before the period played are there from the start", async () => {
  const track: ReplayTrack = {
    ...trackOf(1, 2),
    async *events() {
      yield { at: 1e6, message: { kind: "metrics", metrics: [["m", { kind: "gauge", value: 7n }]] } };
      yield* trackOf(1, 2).events();
    },
  };
  const player = new ReplayPlayer(track, { ...fast, from: 2e6 });
  expect(await takeAll(player)).toEqual([1]);
  expect(player.metrics.get("m")).toEqual({ kind: "gauge", value: 7n });
});

test("a loop plays everything the given number of times", async () => {
  expect(await takeAll(new ReplayPlayer(trackOf(1, 2), { ...fast, loops: 3 }))).toEqual([0, 1, 0, 1, 0, 1]);
});

test("an endless loop over nothing ends at once", async () => {
  const player = new ReplayPlayer(trackOf(1, 2), { ...fast, loops: Number.POSITIVE_INFINITY, from: 9e6 });
  expect(await takeAll(player)).toEqual([]);
});

test("an endless loop ends when it is stopped, and a track reads no further ahead than it has room for", async () => {
  let read = 0;
  const track: ReplayTrack = {
    ...trackOf(1),
    async *events() {
      read += 1;
      yield {
        at: 0,
        message: { kind: "objects", objects: Array.from({ length: 1_000 }, () => Uint8Array.of(0)) },
      };
    },
  };
  const player = new ReplayPlayer(track, { ...fast, loops: Number.POSITIVE_INFINITY });
  await vi.waitFor(() => expect(read).toBeGreaterThan(4), { timeout: 20_000 });
  await player.stop();
  await player.stop();
  expect(read).toBeLessThan(10);
});

test("waiting for an object ends on request", async () => {
  const asking = new AbortController();
  const clock = new FakeClock();
  const player = new ReplayPlayer(trackOf(1, 9), { ...fast, speed: 1, clock });
  await player.take(1, asking.signal);
  const waiting = player.take(1, asking.signal);
  asking.abort();
  expect(await waiting).toEqual([]);
  await player.stop();
});

test("a track that becomes unreadable ends and gives the reason", async () => {
  const track: ReplayTrack = {
    ...trackOf(1),
    async *events() {
      yield { at: 0, message: { kind: "metrics", metrics: [] } };
      throw new Error("unreadable");
    },
  };
  const player = new ReplayPlayer(track, fast);
  expect(await player.take(1, never)).toEqual([]);
  expect(player.isOver).toBe(true);
  expect(player.failure).toEqual(new Error("unreadable"));
});

test("the node has the given name, and otherwise the data points and metrics that it had sent by then", async () => {
  const [data] = (await openTracks([join(vectors, "data-points.forwarder.bin")])).tracks;
  const player = new ReplayPlayer(data!, { ...fast, name: "copy-7" });
  const recorded = JSON.parse(Buffer.from(data!.dataPoints.get("NodeInfo")!).toString());
  const played = JSON.parse(Buffer.from(player.dataPoints.get("NodeInfo")!).toString());
  expect(played).toEqual({ ...recorded, niName: "copy-7" });
  await takeAll(player);
  for (const [name, value] of data!.dataPoints)
    if (name !== "NodeInfo") expect(player.dataPoints.get(name)).toEqual(value);

  const [metrics] = (await openTracks([join(vectors, "metrics-all.forwarder.bin")])).tracks;
  const other = new ReplayPlayer(metrics!, fast);
  await takeAll(other);
  const sent = new Map<string, unknown>();
  for await (const { message } of readRecordedMessages(join(vectors, "metrics-all.forwarder.bin"), () => {}))
    if (message.kind === "metrics") for (const [name, value] of message.metrics) sent.set(name, value);
  expect(sent.size).toBeGreaterThan(3);
  expect(other.metrics).toEqual(sent);
});

test("a node from a log has a name as well", async () => {
  const file = join(directory, "n.json");
  await writeFile(file, "{}\n");
  const { tracks } = await openTracks([file]);
  const player = new ReplayPlayer(tracks[0]!, { ...fast, name: "n-1" });
  expect(JSON.parse(Buffer.from(player.dataPoints.get("NodeInfo")!).toString())).toMatchObject({
    niName: "n-1",
  });
  await player.stop();
  expect(await readFile(file, "utf8")).toBe("{}\n");
});
