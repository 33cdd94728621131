const msPerUnit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `2026-02-16`, `2026-02-16T09:30`, `2026-02-16 09:30:01.123Z`; without a zone it is UTC, as in the names of log files. */
const timeForm =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)? ?(Z|UTC|[+-]\d\d:?\d\d)?$/;

/**
 * A time, or how long ago (`30s`, `10m`, `2h`, `1.5d`), in nanoseconds since 1970; undefined for anything else.
 */
export function sinceTime(text: string, nowMs: number): bigint | undefined {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?) ?(s|m|h|d)$/.exec(text) ?? [];
  if (amount !== undefined)
    return (
      BigInt(Math.round(nowMs - Number(amount) * msPerUnit[unit as keyof typeof msPerUnit])) * 1_000_000n
    );
  const [, date, time = "00:00", second = "00", fraction = "", zone = "Z"] = timeForm.exec(text) ?? [];
  const ms = Date.parse(`${date}T${time}:${second}${zone === "UTC" ? "Z" : zone}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}
