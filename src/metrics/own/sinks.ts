import type { OwnFamilies } from "./families.js";
import type { FamilyOptions, Rows } from "./family.js";

/** A sink, and what it counts in addition to the objects. */
export interface MeasuredSink {
  readonly name: string;
  readonly metrics?: readonly {
    readonly name: string;
    readonly help: string;
    readonly type: "counter" | "gauge";
    readonly labelNames?: readonly string[];
    readonly read: () => Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;
  }[];
}

/** What sinks count themselves: a family for each name, in which the label `sink` distinguishes the sinks. */
export function addSinkFamilies<Reading>(
  families: OwnFamilies<Reading>,
  sinks: readonly MeasuredSink[],
): void {
  const known = new Set<string>();
  for (const { name, help, type, labelNames = [] } of sinks.flatMap(({ metrics = [] }) => metrics)) {
    if (known.has(name)) continue;
    known.add(name);
    const options: FamilyOptions = { name, help, labelNames: ["sink", ...labelNames] };
    const rows: Rows<Reading> = function* () {
      for (const sink of sinks) {
        const metric = sink.metrics?.find((one) => one.name === name);
        for (const [labels, value] of metric?.read() ?? []) yield [{ sink: sink.name, ...labels }, value];
      }
    };
    if (type === "counter") families.counter(options, rows);
    else families.gauge(options, rows);
  }
}
