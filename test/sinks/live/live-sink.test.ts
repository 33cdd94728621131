import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { LiveFilter, type LiveQuery } from "../../../src/sinks/live/live-filter.js";
import type { LiveMessage } from "../../../src/sinks/live/live-messages.js";
import { maxTextBytes } from "../../../src/sinks/live/live-object.js";
import { LiveSink, type LiveSinkOptions } from "../../../src/sinks/live/live-sink.js";
import { TimeBudget } from "../../../src/sinks/live/time-budget.js";
import { batchOf } from "../../batches.js";
import { CountedAccount, identity } from "./accounts.js";

const node = identity("relay-1");

/** Time stands still, so all of it is available. */
const still = () => new TimeBudget({ now: () => 0, utilization: () => 0 });

/** A viewer that reads at once, or never. */
class Reader {
  readonly messages: LiveMessage[] = [];
  isStuck = false;
  #resolve: (() => void)[] = [];

  readonly send = (text: string): Promise<void> => {
    this.messages.push(JSON.parse(text) as LiveMessage);
    return this.isStuck ? new Promise((resolve) => this.#resolve.push(resolve)) : Promise.resolve();
  };

  readOn(): void {
    this.isStuck = false;
    for (const resolve of this.#resolve.splice(0)) resolve();
  }

  get objects() {
    return this.messages.flatMap((message) => ("objects" in message ? message.objects : []));
  }
  get texts(): string[] {
    return this.objects.map(({ machine }) => machine);
  }
  get missed(): number {
    return this.messages.reduce((sum, message) => sum + ("missed" in message ? message.missed : 0), 0);
  }
  get skipped(): number {
    return this.messages.reduce((sum, message) => sum + ("skipped" in message ? message.skipped : 0), 0);
  }
}

function opened(options: LiveSinkOptions = {}) {
  const sink = new LiveSink({ budget: still(), ...options });
  const account = new CountedAccount();
  sink.open(node, account);
  const watch = async (query: LiveQuery = {}) => {
    const reader = new Reader();
    return { reader, viewer: sink.watch(await LiveFilter.of(query), reader.send) };
  };
  return { sink, account, watch };
}

/** Lets the callbacks of all settled promises run. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const metric = (sink: LiveSink, name: string) =>
  [...sink.metrics.find((each) => each.name === `muninn_live_${name}`)!.read()][0]![1];

test("objects that nobody watches are not counted as received, and use no memory", () => {
  const { sink, account } = opened();
  sink.offer(node, batchOf([{}, {}]));
  expect(account).toMatchObject({ receivedObjects: 0, settled: 0 });
  expect(metric(sink, "queue_bytes")).toBe(0);
});

test("a viewer receives all eight fields except the details, and the time to the nanosecond", async () => {
  const { sink, account, watch } = opened();
  const { reader } = await watch();
  sink.offer(
    node,
    batchOf([
      {
        human: "Hallo",
        machine: '{"a":"ü"}',
        namespace: ["ChainDB", "AddBlock"],
        severity: "Error",
        timestamp: { seconds: 1_712_583_986, picoseconds: 516_900_123_456 },
        host: "h",
        thread: "7",
      },
    ]),
  );
  sink.flush();
  await turn();
  expect(reader.objects).toEqual([
    {
      node: "relay-1",
      at: "2024-04-08T13:46:26.516900123Z",
      severity: "Error",
      namespace: "ChainDB.AddBlock",
      host: "h",
      thread: "7",
      machine: '{"a":"ü"}',
      human: "Hallo",
    },
  ]);
  expect(account).toMatchObject({ receivedObjects: 1, writtenObjects: 1 });
});

const samples = [
  { namespace: ["ChainDB", "AddBlock"], severity: "Info", machine: "one", human: "first" },
  { namespace: ["ChainDBX"], severity: "Warning", machine: "two" },
  { namespace: ["Net"], severity: "Emergency", machine: "three" },
] as const;

test.each<readonly [what: string, query: LiveQuery, found: readonly string[]]>([
  ["nothing", {}, ["one", "two", "three"]],
  ["the node", { nodes: ["other", "relay-1"] }, ["one", "two", "three"]],
  ["another node", { nodes: ["relay-2"] }, []],
  ["whole segments of a namespace", { namespaces: ["ChainDB"] }, ["one"]],
  ["several namespaces", { namespaces: ["ChainDB.AddBlock", "Net"] }, ["one", "three"]],
  ["a severity and worse", { severity: "Warning" }, ["two", "three"]],
  ["a text of the human form", { text: "irs" }, ["one"]],
  ["a text of the machine form", { text: "tw" }, ["two"]],
  ["an expression", { regex: "^t|FIRST" }, ["two", "three"]],
  [
    "all at once",
    { nodes: ["relay-1"], namespaces: ["Net"], severity: "Error", text: "th", regex: "e+$" },
    ["three"],
  ],
])("a filter by %s passes only matching objects", async (_, query, found) => {
  const { sink, account, watch } = opened();
  const { reader } = await watch(query);
  sink.offer(node, batchOf(samples));
  sink.flush();
  await turn();
  expect(reader.texts).toEqual(found);
  expect(account.receivedObjects).toBe(found.length);
});

test("an invalid expression is refused, and one that is slow in other engines is quick", async () => {
  await expect(LiveFilter.of({ regex: "(" })).rejects.toThrow(/regular expression/);
  await expect(LiveFilter.of({ regex: "(a{500}){2}b{1000}c" })).rejects.toThrow(/too long/);
  const { sink, watch } = opened();
  const { reader } = await watch({ regex: "^(a+)+$" });
  sink.offer(node, batchOf([{ machine: `${"a".repeat(5_000)}!` }, { machine: "aaa" }]));
  sink.flush();
  await turn();
  expect(reader.texts).toEqual(["aaa"]);
});

test.each(["x{1000}".repeat(57), "(?:abc(d{2})[^ef]){900}", "a".repeat(401)])(
  "an expression that would be long to compile is not compiled: %s",
  async (regex) => {
    const { RE2JS } = await import("re2js");
    const compile = vi.spyOn(RE2JS, "compile");
    await expect(LiveFilter.of({ regex })).rejects.toThrow(/too long|longer/);
    expect(compile).not.toHaveBeenCalled();
    compile.mockRestore();
  },
);

test.each(["[a-z]{300}", "(?i)(?:ab|cd){100}[^)]+", "\\\\{3}\\({2}[\\]a]{2,3}x{0,4}", "(?P<name>a{3}){2}"])(
  "an expression of usual length is accepted: %s",
  async (regex) => {
    await expect(LiveFilter.of({ regex })).resolves.toBeDefined();
  },
);

test("a text is looked for in what viewers see of a long one, and the clock is looked at after each", async () => {
  const { sink, watch } = opened();
  const { reader } = await watch({ text: "needle" });
  sink.offer(
    node,
    batchOf([{ machine: `${"a".repeat(65_536)}needle` }, { machine: `${"a".repeat(65_530)}needle!` }]),
  );
  sink.flush();
  await turn();
  expect(reader.texts.length).toBe(1);
  expect((await LiveFilter.of({ text: "needle" })).isSlow).toBe(true);
});

test("viewers with the same and with other filters receive the same object, which counts once", async () => {
  const { sink, account, watch } = opened();
  const viewers = await Promise.all([watch(), watch(), watch({ severity: "Error" })]);
  sink.offer(node, batchOf([{ severity: "Error" }]));
  sink.flush();
  await turn();
  expect(viewers.map(({ reader }) => reader.texts.length)).toEqual([1, 1, 1]);
  expect(account).toMatchObject({ receivedObjects: 1, writtenObjects: 1 });
});

test("a slow viewer misses the oldest objects and is told how many; its memory is limited, and others miss nothing", async () => {
  const { sink, account, watch } = opened({ maxBytes: 40_000 });
  const slow = await watch();
  const quick = await watch();
  slow.reader.isStuck = true;
  const sent = 500;
  for (let index = 0; index < sent; index += 1) {
    sink.offer(node, batchOf([{ machine: `line ${index}` }]));
    sink.flush();
    await turn();
    expect(metric(sink, "queue_bytes")).toBeLessThanOrEqual(40_000);
  }
  expect(quick.reader.texts).toHaveLength(sent);
  expect(quick.reader.missed).toBe(0);
  slow.reader.readOn();
  await turn();
  sink.flush();
  await turn();
  expect(slow.reader.missed).toBeGreaterThan(0);
  expect(slow.reader.texts.length + slow.reader.missed).toBe(sent);
  expect(slow.reader.texts.at(-1)).toBe(`line ${sent - 1}`);
  expect(metric(sink, "missed_total")).toBe(slow.reader.missed);
  expect(account).toMatchObject({ receivedObjects: sent, writtenObjects: sent });
});

test("objects that only a slow viewer was to receive are dropped as queue-full if it misses them", async () => {
  const { sink, account, watch } = opened({ maxBytes: 2_000 });
  const { reader } = await watch();
  reader.isStuck = true;
  for (let index = 0; index < 50; index += 1) {
    sink.offer(node, batchOf([{}]));
    sink.flush();
  }
  reader.readOn();
  await turn();
  sink.flush();
  await turn();
  expect(account.droppedObjects.get("queue-full")).toBe(reader.missed);
  expect(account.settled).toBe(account.receivedObjects);
});

test("objects waiting for a viewer that leaves are dropped with that reason, and it receives no more", async () => {
  const { sink, account, watch } = opened();
  const { reader, viewer } = await watch();
  sink.offer(node, batchOf([{}, {}]));
  viewer!.end();
  viewer!.end();
  sink.flush();
  await turn();
  expect(reader.messages).toEqual([]);
  expect(account.droppedObjects).toEqual(new Map([["receiver-left", 2]]));
  expect(metric(sink, "viewers")).toBe(0);
  sink.offer(node, batchOf([{}]));
  expect(account.receivedObjects).toBe(2);
});

test("an object that no viewer has room for is missed, whatever else waits, and those after it are shown", async () => {
  const { sink, account, watch } = opened({ maxBytes: 1_000 });
  const { reader } = await watch();
  sink.offer(node, batchOf([{ machine: "small" }, { machine: "x".repeat(2_000) }, { machine: "next" }]));
  sink.flush();
  await turn();
  expect(reader.texts).toEqual(["next"]);
  expect(reader.missed).toBe(2);
  expect(account.droppedObjects).toEqual(
    new Map([
      ["queue-full", 1],
      ["too-large", 1],
    ]),
  );
});

test("an object that has no room beside one on its way is missed as well", async () => {
  const { sink, account, watch } = opened({ maxBytes: 2_000 });
  const { reader } = await watch();
  reader.isStuck = true;
  sink.offer(node, batchOf([{ machine: "x".repeat(400) }]));
  sink.flush();
  sink.offer(node, batchOf([{ machine: "y".repeat(400) }]));
  expect(account.droppedObjects).toEqual(new Map([["queue-full", 1]]));
  reader.readOn();
  await turn();
  sink.flush();
  expect(reader.texts).toEqual(["x".repeat(400)]);
  expect(reader.missed).toBe(1);
});

test("viewers share the memory for all of them: the more there are, the less waits for each", async () => {
  const { sink, watch } = opened({ maxBytes: 40_000 });
  const waiting = () => {
    sink.offer(node, batchOf(Array.from({ length: 100 }, () => ({ machine: "x".repeat(200) }))));
    return metric(sink, "queue_bytes");
  };
  await watch();
  expect(waiting()).toBeGreaterThan(30_000);
  for (let viewers = 2; viewers <= 5; viewers += 1) await watch();
  expect(waiting()).toBeLessThanOrEqual(40_000);
});

test("a viewer whose connection breaks during a message settles the objects in it", async () => {
  const { sink, account } = opened();
  sink.watch(await LiveFilter.of({}), () => Promise.reject(new Error("gone")));
  sink.offer(node, batchOf([{}, {}]));
  sink.flush();
  await turn();
  expect(account.droppedObjects).toEqual(new Map([["receiver-left", 2]]));
  expect(metric(sink, "queue_bytes")).toBe(0);
});

test("a stop drops everything that waits, and accepts no more viewers", async () => {
  const { sink, account, watch } = opened();
  await watch();
  sink.offer(node, batchOf([{}]));
  await sink.stop();
  await sink.stop();
  expect(account.droppedObjects).toEqual(new Map([["stopped", 1]]));
  expect((await watch()).viewer).toBeUndefined();
});

test("viewers beyond the limit are refused until one leaves", async () => {
  const { watch } = opened({ maxViewers: 2 });
  const { viewer } = await watch();
  await watch();
  expect((await watch()).viewer).toBeUndefined();
  viewer!.end();
  expect((await watch()).viewer).toBeDefined();
});

test("long texts are cut, with their full length", async () => {
  const { sink, watch } = opened();
  const { reader } = await watch();
  sink.offer(node, batchOf([{ machine: "x".repeat(maxTextBytes + 1) }]));
  sink.flush();
  await turn();
  expect(reader.objects[0]).toMatchObject({ machine: "x".repeat(maxTextBytes), cutFrom: maxTextBytes + 1 });
});

test("on a busy system viewers get a small share of its time, and are told how much was skipped", async () => {
  let now = 0;
  // Each reading of the clock is a millisecond later.
  const budget = new TimeBudget({ now: () => now++, utilization: () => 1 });
  const { sink, account, watch } = opened({ budget });
  const { reader } = await watch({ severity: "Info" });
  sink.flush();
  const sent = 20_000;
  const batch = Array.from({ length: 1_000 }, () => ({ severity: "Info" as const }));
  for (let count = 0; count < sent; count += batch.length)
    sink.offer(node, batchOf([...batch, { severity: "Debug" }]));
  sink.flush();
  await turn();
  expect(reader.skipped).toBeGreaterThan(sent / 2);
  expect(reader.texts.length + reader.skipped + reader.missed).toBe(sent);
  expect(metric(sink, "skipped_total")).toBe(reader.skipped);
  expect(account.settled).toBe(account.receivedObjects);
});

test.each([
  ["no time is left for", 1_000_000],
  ["no viewer wants by their severity", 0],
] as const)("objects that %s are not looked at one by one", async (_, usedMs) => {
  const budget = still();
  budget.take(usedMs);
  const { sink, watch } = opened({ budget });
  const { reader } = await watch({ severity: "Error" });
  const batch = batchOf([{ severity: "Info" }, { severity: usedMs === 0 ? "Debug" : "Error" }]);
  const looks = vi.spyOn(batch, "severity");
  sink.offer(node, batch);
  sink.flush();
  await turn();
  expect(looks).not.toHaveBeenCalled();
  expect(reader.skipped).toBe(usedMs === 0 ? 0 : 1);
});

test("each viewer is told how many of the objects that it wants were skipped", async () => {
  const budget = still();
  budget.take(1_000_000);
  const { sink, watch } = opened({ budget });
  const [all, errors] = [await watch(), await watch({ severity: "Error" })];
  sink.offer(node, batchOf([{ severity: "Info" }, { severity: "Error" }, { severity: "Alert" }]));
  sink.flush();
  await turn();
  expect([all.reader.skipped, errors.reader.skipped]).toEqual([3, 2]);
  expect(metric(sink, "skipped_total")).toBe(3);
});

test("on an idle system viewers get more time than on a busy one, and their credit is limited", () => {
  let now = 0;
  let utilization = 0;
  const budget = new TimeBudget({ now: () => now, utilization: () => utilization });
  const grownIn = (milliseconds: number) => {
    budget.look();
    budget.take(budget.creditMs);
    now += milliseconds;
    return budget.creditMs;
  };
  const atRest = grownIn(100);
  utilization = 1;
  expect(grownIn(100)).toBeLessThan(atRest / 2);
  expect(grownIn(1_000_000)).toBeLessThanOrEqual(50);
  // As if other programs had the processor for long.
  budget.take(1_000);
  now += 100;
  expect(budget.creditMs).toBeLessThan(0);
  now += 5_000;
  expect(budget.creditMs).toBeGreaterThan(0);
});

test("whatever viewers and nodes do, every received object is settled once, and each viewer receives or misses it", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("offer" as const), objects: fc.integer({ min: 1, max: 30 }) }),
    fc.record({
      do: fc.constantFrom("watch" as const, "leave" as const, "stick" as const, "read" as const),
      which: fc.nat(5),
    }),
    fc.constant({ do: "flush" as const }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1_000, max: 20_000 }),
      async (steps, maxBytes) => {
        const { sink, account, watch } = opened({ maxBytes });
        const watching: { reader: Reader; viewer: { end(): void } | undefined; meant: number }[] = [];
        for (const each of steps) {
          if (each.do === "offer") {
            sink.offer(node, batchOf(Array.from({ length: each.objects }, () => ({}))));
            for (const one of watching) one.meant += each.objects;
          } else if (each.do === "watch") watching.push({ ...(await watch()), meant: 0 });
          else if (each.do === "flush") sink.flush();
          else {
            const one = watching[each.which % Math.max(1, watching.length)];
            if (each.do === "leave" && one !== undefined) {
              one.viewer?.end();
              one.reader.readOn();
              watching.splice(watching.indexOf(one), 1);
            } else if (one !== undefined && each.do === "stick") one.reader.isStuck = true;
            else one?.reader.readOn();
          }
          await turn();
        }
        for (const { reader } of watching) reader.readOn();
        await turn();
        sink.flush();
        await turn();
        for (const { reader, meant } of watching) expect(reader.texts.length + reader.missed).toBe(meant);
        expect(account.settled).toBe(account.receivedObjects);
        expect(metric(sink, "queue_bytes")).toBe(0);
        await sink.stop();
      },
    ),
    { numRuns: 60 },
  );
});

test("of a text less is searched, the longer an expression is", async () => {
  const found = async (regex: string, before: number) => {
    const filter = await LiveFilter.of({ regex });
    const machine = Buffer.from(`${"x".repeat(before)}needle`);
    return filter.passes({ machine, human: undefined, namespace: "" } as never);
  };
  const long = "[a-c]{900}|needle";
  expect([await found(long, 500), await found(long, 5_000), await found("needle", 5_000)]).toEqual([
    true,
    false,
    true,
  ]);
});

test("what it takes to send to viewers is taken from their time", async () => {
  let now = 0;
  const budget = new TimeBudget({ now: () => now, utilization: () => 0 });
  const take = vi.spyOn(budget, "take");
  const { sink } = opened({ budget });
  sink.watch(await LiveFilter.of({}), async () => {
    now += 7;
  });
  sink.offer(node, batchOf([{}]));
  now = 1_000;
  take.mockClear();
  sink.flush();
  expect(take.mock.calls).toEqual([[7]]);
});
