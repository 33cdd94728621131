import type { MetricValue } from "../../protocol/metrics.js";

/** A metric that only goes up. */
export interface Counter {
  /** @param by a whole number, @default 1 */
  inc(by?: number): void;
}

/** A metric whose value can be set. */
export interface Gauge<Value> {
  set(value: Value): void;
}

/** The largest signed 64-bit integer, which is what metrics are on the wire. */
const most = 2n ** 63n - 1n;
const least = -(2n ** 63n);

/** A program's metrics, named with the suffixes that nodes use for their kinds. */
export class ProgramMetrics {
  readonly values = new Map<string, MetricValue>();
  readonly #onUnusable: (message: string) => void;

  constructor(onUnusable: (message: string) => void) {
    this.#onUnusable = onUnusable;
  }

  /** `NAME_counter`, starting at 0; the same name gives the same counter. */
  counter(name: string): Counter {
    const full = withSuffix(name, "_counter");
    if (!this.values.has(full)) this.values.set(full, { kind: "counter", value: 0n });
    return {
      inc: (by = 1) => {
        if (!Number.isInteger(by) || by < 0) {
          this.#onUnusable(`the counter ${name} cannot be increased by ${by}`);
          return;
        }
        const before = this.values.get(full)!.value as bigint;
        this.values.set(full, { kind: "counter", value: bounded(before + BigInt(by)) });
      },
    };
  }

  /** `NAME_int`; fractions are cut off. */
  gauge(name: string): Gauge<number> {
    const full = withSuffix(name, "_int");
    return {
      set: (value) => {
        if (Number.isFinite(value))
          this.values.set(full, { kind: "gauge", value: bounded(BigInt(Math.trunc(value))) });
        else this.#onUnusable(`the gauge ${name} cannot be ${value}`);
      },
    };
  }

  /** `NAME_real`: a number with a fraction, sent as a text. */
  real(name: string): Gauge<number> {
    const full = withSuffix(name, "_real");
    return {
      set: (value) => {
        if (Number.isFinite(value)) this.values.set(full, { kind: "label", value: String(value) });
        else this.#onUnusable(`the gauge ${name} cannot be ${value}`);
      },
    };
  }

  /** A text under the name without a suffix; `{version="1.2"} 1` becomes labels. */
  label(name: string): Gauge<string> {
    return { set: (value) => void this.values.set(name, { kind: "label", value: String(value) }) };
  }
}

function withSuffix(name: string, suffix: string): string {
  return name.endsWith(suffix) ? name : `${name}${suffix}`;
}

function bounded(value: bigint): bigint {
  if (value > most) return most;
  return value < least ? least : value;
}
