import type { Moment } from "../../protocol/trace-batch.js";

const secondsPerDay = 86_400;
const zero = 0x30;
const fractionDigits = 12;

/**
 * Writes times as cardano-tracer's journal entries have them, `2026-02-16 09:30:01.123456700000Z`: UTC, a space, twelve
 * digits of a second. Successive entries are mostly within one second, so its text is kept.
 */
export class JournalTime {
  #seconds: number | undefined;
  #text = "";

  /** Writes at `at`; returns where the text ends. */
  write(into: Uint8Array, at: number, { seconds, picoseconds }: Moment): number {
    if (seconds !== this.#seconds) {
      this.#seconds = seconds;
      this.#text = `${secondText(seconds)}.`;
    }
    const text = this.#text;
    for (let index = 0; index < text.length; index += 1) into[at + index] = text.charCodeAt(index);
    const end = at + text.length + fractionDigits;
    // Both halves are 32-bit integers, which are cheaper to divide.
    writeDigits(into, end - 6, Math.floor(picoseconds / 1e6));
    writeDigits(into, end, picoseconds % 1e6);
    into[end] = 0x5a;
    return end + 1;
  }
}

/** Six digits before `end`. */
function writeDigits(into: Uint8Array, end: number, value: number): void {
  let rest = value | 0;
  for (let at = end - 1; at >= end - 6; at -= 1) {
    const tens = (rest / 10) | 0;
    into[at] = zero + rest - tens * 10;
    rest = tens;
  }
}

/** Handles any 64-bit second: the wire allows years that `Date` does not support. */
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
