const picosecondsPerSecond = 1_000_000_000_000n;
const secondsPerDay = 86_400;

/**
 * Writes times as cardano-tracer's journal entries have them, `2026-02-16 09:30:01.123456700000Z`: UTC, a space, twelve
 * digits of a second. Entries that follow each other mostly lie within one second, whose text is kept.
 */
export class JournalTime {
  #second: bigint | undefined;
  #text = "";

  /** Picoseconds since 1970. */
  text(picoseconds: bigint): string {
    let second = picoseconds / picosecondsPerSecond;
    let fraction = picoseconds - second * picosecondsPerSecond;
    if (fraction < 0n) {
      second -= 1n;
      fraction += picosecondsPerSecond;
    }
    if (second !== this.#second) {
      this.#second = second;
      this.#text = secondText(Number(second));
    }
    return `${this.#text}.${fraction.toString().padStart(12, "0")}Z`;
  }
}

/** Any second of 64 bits: the wire has years that `Date` does not know. */
function secondText(second: number): string {
  const day = Math.floor(second / secondsPerDay);
  const ofDay = second - day * secondsPerDay;
  const [hour, minute] = [Math.floor(ofDay / 3_600), Math.floor(ofDay / 60) % 60];
  return `${dateText(day)} ${twoDigits(hour)}:${twoDigits(minute)}:${twoDigits(ofDay % 60)}`;
}

/** The calendar repeats every 400 years. */
const era = { years: 400, days: 146_097 } as const;

function dateText(day: number): string {
  const eras = Math.floor(day / era.days);
  const date = new Date((day - eras * era.days) * secondsPerDay * 1_000);
  const year = date.getUTCFullYear() + eras * era.years;
  const digits = Math.abs(year).toString().padStart(4, "0");
  return `${year < 0 ? "-" : ""}${digits}-${twoDigits(date.getUTCMonth() + 1)}-${twoDigits(date.getUTCDate())}`;
}

function twoDigits(value: number): string {
  return value.toString().padStart(2, "0");
}
