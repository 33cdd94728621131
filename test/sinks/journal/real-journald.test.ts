import { rmSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import type { NodeIdentity } from "../../../src/nodes/identity.js";
import { JournalSink } from "../../../src/sinks/journal/journal-sink.js";
import { type Libc, loadLibc } from "../../../src/sinks/journal/libc.js";
import { eventually } from "../../../src/testing/eventually.js";
import { batchOf } from "../../batches.js";
import { leftOut } from "../../left-out.js";
import { missingJournald, OwnJournald, type ReadEntry } from "./own-journald.js";

let libc: Libc;

beforeAll(async () => {
  libc = await loadLibc();
});

function openSink({ socketPath }: OwnJournald, format: "ForMachine" | "ForHuman" = "ForMachine") {
  const sink = new JournalSink({ name: "journal", format, socketPath, libc });
  return Object.assign(sink, { [Symbol.asyncDispose]: () => sink.stop({ deadlineMs: 0 }) });
}

function node(name: string): NodeIdentity {
  return { connectionId: "unix-1", name, directory: name, slug: name };
}

const pad = "x".repeat(200);

/** Writes this many numbered objects of a node, several batches at once, as for a node with pipelined requests. */
async function flood(sink: JournalSink, name: string, count: number): Promise<unknown[]> {
  const dropped: Promise<unknown>[] = [];
  for (let from = 0; from < count; from += 100) {
    const objects = Array.from({ length: 100 }, (_, index) => ({
      machine: JSON.stringify({ n: from + index, pad }),
      namespace: [`Test.${from + index}`],
    }));
    dropped.push(sink.write(node(name), batchOf(objects)));
    if (dropped.length >= 8) await dropped.at(-8);
  }
  return (await Promise.all(dropped)).filter((reasons) => reasons !== undefined);
}

/** The actual and the expected entries, side by side; fails if fields of two objects are mixed. */
function numbersOf(entries: readonly ReadEntry[]): number[] {
  return entries.map(({ MESSAGE, NAMESPACE }) => {
    const { n, pad: padding } = JSON.parse(MESSAGE);
    expect([NAMESPACE, padding]).toEqual([`Test.${n}`, pad]);
    return n;
  });
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe.skipIf(missingJournald)(`a real journald${leftOut(missingJournald)}`, () => {
  test("receives every field unchanged, whatever its content", async () => {
    await using journald = await OwnJournald.open();
    await journald.start();
    await using sink = openSink(journald, "ForHuman");
    const objects = [
      { human: "Chain extended, new tip", severity: "Notice", namespace: ["ChainDB", "AddBlockEvent"] },
      { human: "two\nlines\n", severity: "Emergency", thread: "ThreadId 31" },
      { machine: '{"é":"🦆"}', severity: "Debug", namespace: [], thread: "" },
      { human: "", severity: "Error", timestamp: { seconds: 1_771_234_201, picoseconds: 1 } },
    ] as const;
    await sink.write(node("relay 1:ü"), batchOf(objects));
    const entries = await read(journald, "relay 1:ü", objects.length);
    const own = ["SYSLOG_IDENTIFIER", "MESSAGE", "PRIORITY", "NAMESPACE", "THREAD", "TIME"];
    const added = Object.keys(entries[0]!).filter((field) => !field.startsWith("_") && !own.includes(field));
    expect(added).toEqual([]);
    expect(entries.map((entry) => own.slice(1).map((field) => entry[field] ?? ""))).toEqual([
      ["Chain extended, new tip", "5", "ChainDB.AddBlockEvent", "31", "2024-04-08 13:46:26.516900000000Z"],
      ["two\nlines\n", "0", "Test", "31", "2024-04-08 13:46:26.516900000000Z"],
      ['{"é":"🦆"}', "7", "noname", "", "2024-04-08 13:46:26.516900000000Z"],
      ["", "3", "Test", "31", "2026-02-16 09:30:01.000000000001Z"],
    ]);
    expect(entries.every(({ _TRANSPORT }) => _TRANSPORT === "journal")).toBe(true);
  });

  test("receives entries far larger than a datagram whole and in their places", async () => {
    await using journald = await OwnJournald.open();
    await journald.start();
    await using sink = openSink(journald);
    const texts = ["small", "a".repeat(400_000), "b\n".repeat(250_000), "small again", "c".repeat(900_000)];
    await sink.write(node("large"), batchOf(texts.map((machine) => ({ machine }))));
    const entries = await read(journald, "large", texts.length);
    expect(entries.map(({ MESSAGE }) => MESSAGE)).toEqual(texts);
  });

  test("has every entry of every node once and in order after a flood", async () => {
    await using journald = await OwnJournald.open();
    await journald.start();
    await using sink = openSink(journald);
    expect(await Promise.all([flood(sink, "a", 10_000), flood(sink, "b", 10_000)])).toEqual([[], []]);
    for (const name of ["a", "b"])
      expect(numbersOf(await read(journald, name, 10_000))).toEqual(upTo(10_000));
  });

  test("has every entry once and in order after a restart in a flood, with its socket held by systemd", async () => {
    await using journald = await OwnJournald.open();
    await journald.startHeld();
    await using sink = openSink(journald);
    const flooding = flood(sink, "a", 15_000);
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const before = entriesSent(sink);
      await eventually(() => expect(entriesSent(sink)).toBeGreaterThan(before + 2_000));
      await journald.end(signal);
    }
    expect(await flooding).toEqual([]);
    const numbers = numbersOf(await read(journald, "a", 15_000 - mostReadUnwritten));
    expect(numbers).toEqual([...new Set(numbers)]);
    expect(numbers.length).toBeGreaterThanOrEqual(15_000 - mostReadUnwritten);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  });

  test("has every entry after it is killed in a flood and started with a new socket, and doubles are counted", async () => {
    await using journald = await OwnJournald.open();
    await journald.start();
    await using sink = openSink(journald);
    const flooding = flood(sink, "a", 15_000);
    for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
      const before = entriesSent(sink);
      await eventually(() => expect(entriesSent(sink)).toBeGreaterThan(before + 2_000));
      await journald.end(signal);
      rmSync(journald.socketPath, { force: true });
      await journald.start();
    }
    expect(await flooding).toEqual([]);
    const numbers = numbersOf(await read(journald, "a", 15_000));
    expect([...new Set(numbers)]).toEqual(upTo(15_000));
    expect(numbers.length - 15_000).toBeLessThanOrEqual(
      counterOf(sink, "muninn_journal_possibly_doubled_entries_total"),
    );
    expect(counterOf(sink, "muninn_journal_possibly_doubled_entries_total")).toBeLessThan(100);
  });
});

/** An entry that a killed journald had read but not yet written: no sender can know of it. */
const mostReadUnwritten = 1;

/** The journal's entries of a node, at least this many: journald writes a moment after it has read. */
async function read(journald: OwnJournald, name: string, count: number): Promise<ReadEntry[]> {
  let entries: ReadEntry[] = [];
  await eventually(async () => {
    entries = await journald.entriesOf(name);
    expect(entries.length).toBeGreaterThanOrEqual(count);
  });
  return entries;
}

function counterOf(sink: JournalSink, name: string): number {
  return [...sink.metrics.find((metric) => metric.name === name)!.read()][0]![1];
}

function entriesSent(sink: JournalSink): number {
  return counterOf(sink, "muninn_journal_entries_total");
}
