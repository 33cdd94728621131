import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { jetstream } from "@nats-io/jetstream";
import { connect, headers as newHeaders } from "@nats-io/transport-node";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Collector } from "../../src/collect/start-collector.js";
import { NewNames } from "../../src/nodes/new-names.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import { encodePayload, setHeaders } from "../../src/sinks/nats/message.js";
import { eventually } from "../../src/testing/eventually.js";
import { traceObject } from "../batches.js";
import { NatsServer, newServer, packagedServer, withManager } from "../sinks/nats/nats-server.js";
import { CollectPlace } from "./test-collector.js";

const program = newServer ?? packagedServer;
let server: NatsServer;

interface Message {
  readonly directory?: string;
  readonly slug?: string;
  readonly first: number;
  readonly part?: { readonly number: number; readonly of: number };
  readonly headers?: Readonly<Record<string, string>>;
  readonly data?: Uint8Array;
}

const payload = encodePayload([encodeTraceObject(traceObject({ machine: "x" }))]);

/** Messages that anybody with write access can put into the stream; many at a time. */
async function publish(messages: Iterable<Message>): Promise<void> {
  const connection = await connect({ servers: server.url });
  const client = jetstream(connection);
  try {
    let waiting: Promise<unknown>[] = [];
    for (const { directory = "relay", slug = "relay", first, part, headers: extra, data } of messages) {
      const headers = newHeaders();
      setHeaders(headers, { start: "s", node: { name: directory, directory, slug }, first, count: 1 }, part);
      for (const [key, value] of Object.entries(extra ?? {})) headers.set(key, value);
      waiting.push(client.publish(`muninn.trace.${slug}`, data ?? payload, { headers }));
      if (waiting.length < 64) continue;
      await Promise.all(waiting);
      waiting = [];
    }
    await Promise.all(waiting);
  } finally {
    await connection.close();
  }
}

async function collected(
  fields: object = {},
  newDirectories = new NewNames(),
): Promise<{ place: CollectPlace; collector: Collector }> {
  const place = await CollectPlace.open();
  onTestFinished(() => place[Symbol.asyncDispose]());
  return { place, collector: await place.start(server.url, { fields, newDirectories }) };
}

async function own(collector: Collector, name: string): Promise<number> {
  const page = await (await fetch(`http://${collector.served.get("prometheus")}/metrics/self`)).text();
  const line = page.split("\n").find((one) => one.startsWith(`${name} `) || one.startsWith(`${name}{`));
  return Number(line?.slice(line.lastIndexOf(" ") + 1));
}

const directoriesIn = async ({ logRoot }: CollectPlace) =>
  existsSync(logRoot) ? (await readdir(logRoot)).filter((name) => !name.startsWith(".")) : [];

describe.skipIf(program === undefined)("a stream that anybody writes to", () => {
  beforeEach(async () => {
    server = await NatsServer.start(program!);
    onTestFinished(() => server[Symbol.asyncDispose]());
    await withManager(server, (manager) =>
      manager.streams.add({ name: "TRACES", subjects: ["muninn.trace.*"] }),
    );
  });

  test("creates only a limited number of directories, and says so; existing ones are written to", async () => {
    function* many() {
      for (let first = 1; first <= 50; first += 1) yield { directory: `invented-${first}`, first };
      yield { slug: "known", directory: "known", first: 1 };
    }
    await publish(many());
    const { place, collector } = await collected({}, new NewNames({ burst: 20, perMinute: 0 }));
    await mkdir(join(place.logRoot, "known"), { recursive: true });
    await eventually(
      async () => expect(await own(collector, "muninn_collect_failed_reads_total")).toBeGreaterThan(0),
      { withinMs: 60_000 },
    );
    await eventually(async () => expect(await readdir(join(place.logRoot, "known"))).not.toHaveLength(0));
    expect(await directoriesIn(place)).toHaveLength(21);
    const health = await (await fetch(`http://${collector.served.get("prometheus")}/healthz`)).text();
    expect(health).toContain("too many new directories");
  }, 60_000);

  test("has a limited number of subjects read, and the others are counted", async () => {
    function* many() {
      for (let at = 0; at < 30; at += 1) yield { slug: `s${at}`, directory: `d${at}`, first: 1 };
    }
    await publish(many());
    const { place, collector } = await collected({ muninn: { maxConnections: 10 } });
    await eventually(async () => expect(await directoriesIn(place)).toHaveLength(10), { withinMs: 30_000 });
    await eventually(async () => expect(await own(collector, "muninn_collect_postponed_subjects")).toBe(20));
    const health = await (await fetch(`http://${collector.served.get("prometheus")}/healthz`)).text();
    expect(health).toContain("20 subjects of stream TRACES are not read yet");
  }, 60_000);

  test("is still read after numbers that go back, numbers without an end, long headers and unknown counts", async () => {
    await publish([
      { first: 1 },
      { first: 2 },
      { first: 1 },
      { first: 3, headers: { "Muninn-First": String(Number.MAX_SAFE_INTEGER) } },
      { first: 3, headers: { "Muninn-Count": "9007199254740991" } },
      { first: 3, headers: { "Muninn-Count": "1000000000000" } },
      { first: 3, headers: { "Muninn-Node": "n".repeat(2_000) } },
      { first: 3, headers: { More: "m".repeat(20_000) } },
      { first: 3, headers: { "Muninn-Part": "1/9999999" } },
      { first: 3 },
    ]);
    const { collector } = await collected();
    await eventually(async () => expect(await own(collector, "muninn_collect_objects_total")).toBe(3), {
      withinMs: 30_000,
    });
    expect(await own(collector, "muninn_collect_repeated_objects_total")).toBe(1);
    expect(await own(collector, "muninn_collect_refused_messages_total")).toBe(5);
    expect(await own(collector, "muninn_collect_missing_objects_total")).toBe(0);
  }, 60_000);

  test("takes limited memory for objects whose parts do not end, and others are read meanwhile", async () => {
    const data = Buffer.alloc(500_000);
    function* endless() {
      for (let number = 1; number <= 4; number += 1)
        for (let at = 0; at < 12; at += 1) {
          const part = { number, of: 1_000 };
          yield { slug: `s${at}`, directory: `d${at}`, first: 1, part, data };
        }
      yield { slug: "sound", directory: "sound", first: 1 };
    }
    await publish(endless());
    const { place, collector } = await collected({
      muninn: { maxInFlightBytes: "12MiB", maxObjectBytes: "2MiB" },
    });
    await eventually(
      async () => expect(await own(collector, "muninn_collect_evicted_batches_total")).toBeGreaterThan(0),
      { withinMs: 30_000 },
    );
    await eventually(async () => expect(await directoriesIn(place)).toEqual(["sound"]));
    expect(await own(collector, 'muninn_flight_bytes{state="held"}')).toBeLessThan(12 * 2 ** 20);
  }, 60_000);
});
