import { createHash } from "node:crypto";
import { type LabelSet, labelSet } from "../store/labels.js";
import type { Point } from "../store/series.js";
import { SnapshotError } from "./snapshot-fault.js";

// A segment holds the points that arrived in some period of time. All numbers are little-endian.
//
//     header    "MUNINNTS"  version u32  runs u32  points u32  table bytes u32  base f64  newest f64
//     table     JSON {"metrics": [name, …], "labels": [{label: value}, …]}, filled up with spaces to a multiple of 8
//     runs      metric u32, labels u32 (places in the table), points u32; filled up to a multiple of 8
//     times     u32 each, milliseconds after the base; filled up to a multiple of 8
//     values    f64 each
//     checksum  SHA-256 of everything before

const magic = "MUNINNTS";
const version = 1;
const headerBytes = 40;
const checksumBytes = 32;
const runBytes = 12;

/** A segment is written and read in one go; a larger one would delay other work. */
export const maxSegmentPoints = 200_000;

/** Some points of one series, ascending. */
export interface Run {
  readonly metric: string;
  readonly labels: LabelSet;
  readonly points: readonly Point[];
}

/** Facts from a segment's name and header. */
export interface SegmentFacts {
  readonly points: number;
  readonly bytes: number;
  /** Time of its newest point. */
  readonly newest: number;
}

/** Collects runs and builds a segment from them. */
export class SegmentBuilder {
  /** No point is before this time, or 2^32 milliseconds after it. */
  readonly #base: number;
  readonly #metrics = new Places<string>();
  readonly #labels = new Places<LabelSet>();
  readonly #runs: number[] = [];
  readonly #times: number[] = [];
  readonly #values: number[] = [];
  #newest = Number.NEGATIVE_INFINITY;

  constructor(base: number) {
    this.#base = base;
  }

  get points(): number {
    return this.#times.length;
  }

  add({ metric, labels, points }: Run): void {
    if (points.length === 0) return;
    this.#runs.push(this.#metrics.of(metric, metric), this.#labels.of(labels.key, labels), points.length);
    for (const { time, value } of points) {
      this.#times.push(time - this.#base);
      this.#values.push(value);
    }
    this.#newest = Math.max(this.#newest, points.at(-1)!.time);
  }

  build(): { bytes: Buffer; facts: SegmentFacts } {
    const labels = this.#labels.items.map(({ pairs }) => Object.fromEntries(pairs));
    const table = Buffer.from(JSON.stringify({ metrics: this.#metrics.items, labels }), "utf8");
    const runs = this.#runs.length / 3;
    const layout = layoutOf({ runs, points: this.points, tableBytes: roundedUp(table.length) });
    const bytes = Buffer.alloc(layout.end, 0);
    bytes.write(magic, 0, "latin1");
    bytes.writeUInt32LE(version, 8);
    bytes.writeUInt32LE(runs, 12);
    bytes.writeUInt32LE(this.points, 16);
    bytes.writeUInt32LE(roundedUp(table.length), 20);
    bytes.writeDoubleLE(this.#base, 24);
    bytes.writeDoubleLE(this.#newest, 32);
    bytes.fill(0x20, headerBytes, layout.runs);
    table.copy(bytes, headerBytes);
    for (const [n, value] of this.#runs.entries()) bytes.writeUInt32LE(value, layout.runs + 4 * n);
    for (const [n, time] of this.#times.entries()) bytes.writeUInt32LE(time, layout.times + 4 * n);
    for (const [n, value] of this.#values.entries()) bytes.writeDoubleLE(value, layout.values + 8 * n);
    checksum(bytes, layout.checksum).copy(bytes, layout.checksum);
    return { bytes, facts: { points: this.points, bytes: bytes.length, newest: this.#newest } };
  }
}

/** Numbers things in the order they appear. */
class Places<Item> {
  readonly items: Item[] = [];
  readonly #places = new Map<string, number>();

  of(key: string, item: Item): number {
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.items.push(item) - 1;
      this.#places.set(key, place);
    }
    return place;
  }
}

/** A whole segment, checked to be unchanged since it was written. */
export class Segment {
  readonly facts: SegmentFacts;
  readonly #bytes: Buffer;
  readonly #layout: Layout;
  readonly #runs: number;
  readonly #base: number;
  readonly #metrics: readonly string[];
  readonly #labels: readonly LabelSet[];

  /** @throws SnapshotError if it is not */
  constructor(bytes: Buffer) {
    if (bytes.length < headerBytes || bytes.toString("latin1", 0, 8) !== magic) {
      throw new SnapshotError({ code: "not-a-segment" });
    }
    const found = bytes.readUInt32LE(8);
    if (found !== version) throw new SnapshotError({ code: "other-version", version: found });
    const [runs, points, tableBytes] = [12, 16, 20].map((at) => bytes.readUInt32LE(at)) as [
      number,
      number,
      number,
    ];
    this.#layout = layoutOf({ runs, points, tableBytes });
    if (bytes.length !== this.#layout.end) {
      throw new SnapshotError({ code: "cut-short", expected: this.#layout.end, bytes: bytes.length });
    }
    const written = bytes.subarray(this.#layout.checksum);
    if (!checksum(bytes, this.#layout.checksum).equals(written))
      throw new SnapshotError({ code: "checksum" });
    const table = JSON.parse(bytes.toString("utf8", headerBytes, this.#layout.runs));
    this.#bytes = bytes;
    this.#runs = runs;
    this.#base = bytes.readDoubleLE(24);
    this.#metrics = table.metrics;
    this.#labels = table.labels.map(labelSet);
    this.facts = { points, bytes: bytes.length, newest: bytes.readDoubleLE(32) };
  }

  /** Creates no object for each point: there are millions. @throws SnapshotError */
  *runs(): Generator<ReadRun> {
    const bytes = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    const { runs, times, values } = this.#layout;
    const read = new ReadRun();
    let first = 0;
    for (let run = 0; run < this.#runs; run += 1) {
      const at = runs + run * runBytes;
      const metric = this.#metrics[bytes.getUint32(at, true)];
      const labels = this.#labels[bytes.getUint32(at + 4, true)];
      const count = bytes.getUint32(at + 8, true);
      if (metric === undefined || labels === undefined || first + count > this.facts.points) {
        throw new SnapshotError({ code: "malformed", what: "list of series" });
      }
      read.begin(metric, labels, count);
      for (let n = 0; n < count; n += 1) {
        read.times[n] = this.#base + bytes.getUint32(times + 4 * (first + n), true);
        read.values[n] = bytes.getFloat64(values + 8 * (first + n), true);
      }
      yield read;
      first += count;
    }
  }
}

/** A run that was read: `count` points in both columns, valid until the next one is read. */
export class ReadRun {
  metric = "";
  labels: LabelSet = labelSet({});
  count = 0;
  times = new Float64Array(64);
  values = new Float64Array(64);

  begin(metric: string, labels: LabelSet, count: number): void {
    this.metric = metric;
    this.labels = labels;
    this.count = count;
    if (count <= this.times.length) return;
    this.times = new Float64Array(2 * count);
    this.values = new Float64Array(2 * count);
  }
}

/** Where each part begins. */
interface Layout {
  readonly runs: number;
  readonly times: number;
  readonly values: number;
  readonly checksum: number;
  readonly end: number;
}

function layoutOf(counts: { runs: number; points: number; tableBytes: number }): Layout {
  const runs = headerBytes + counts.tableBytes;
  const times = runs + roundedUp(counts.runs * runBytes);
  const values = times + roundedUp(counts.points * 4);
  const end = values + counts.points * 8;
  return { runs, times, values, checksum: end, end: end + checksumBytes };
}

function roundedUp(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

function checksum(bytes: Buffer, end: number): Buffer {
  return createHash("sha256").update(bytes.subarray(0, end)).digest();
}
