/** Node's timers accept at most 2^31 - 1 ms; anything longer counts as this long, almost 25 days. */
export const longestMs = 2_147_483_000;

const msPerUnit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const bytesPerUnit = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

/** `30` (seconds), `"500ms"`, `"30s"`, `"2m"`, `"1.5h"` → whole milliseconds; `undefined` for anything else. */
export function parseDuration(input: number | string): number | undefined {
  const ms = typeof input === "number" ? input * msPerUnit.s : parseQuantity(input, msPerUnit, "s");
  return ms === undefined || !(ms >= 0) ? undefined : Math.min(Math.ceil(ms), longestMs);
}

/** The shortest exact form: 30,000 → `30s`. */
export function formatDuration(ms: number): string {
  return formatQuantity(ms, msPerUnit);
}

/** `4096` (bytes), `"16MiB"` → whole bytes; `undefined` for anything else. */
export function parseSize(input: number | string): number | undefined {
  const bytes = typeof input === "number" ? input : parseQuantity(input, bytesPerUnit, "B");
  return bytes === undefined || !Number.isSafeInteger(bytes) || bytes < 0 ? undefined : bytes;
}

/** The shortest exact form: 16,777,216 → `16MiB`. */
export function formatSize(bytes: number): string {
  return formatQuantity(bytes, bytesPerUnit);
}

/** `"0640"`, `"0o640"`, `"640"` → permission bits; `undefined` for anything else. */
export function parseMode(input: string): number | undefined {
  const digits = /^(?:0o|0)?([0-7]{3})$/.exec(input)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

function parseQuantity<Unit extends string>(
  text: string,
  units: Readonly<Record<Unit, number>>,
  plainUnit: Unit,
): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text.trim()) ?? [];
  const size = Object.entries<number>(units).find(([name]) => name === (unit || plainUnit))?.[1];
  return amount === undefined || size === undefined ? undefined : Number(amount) * size;
}

function formatQuantity(amount: number, units: Readonly<Record<string, number>>): string {
  const [unit, size] = Object.entries(units).findLast(([, size]) => amount > 0 && amount % size === 0) ?? [
    "",
    1,
  ];
  return `${amount / size}${unit}`;
}
