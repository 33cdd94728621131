const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** `1,234,567` */
export function count(value: number): string {
  return whole.format(value);
}

/** `3 nodes`, `1 node` */
export function counted(value: number, one: string, several = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : several}`;
}

/** `1.2/s`; from ten on without tenths, `12/s`. */
export function rate(value: number): string {
  return `${value < 10 ? tenths.format(value) : whole.format(value)}/s`;
}

// Units do not break away from their numbers.
const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** `1.5 GiB` */
export function bytes(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 1_024 && unit < byteUnits.length - 1) {
    rest /= 1_024;
    unit += 1;
  }
  return `${unit === 0 ? whole.format(rest) : tenths.format(rest)}\u00a0${byteUnits[unit]}`;
}

/** `3 s`, `12 min`, `5 h`, `2 d` */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  if (seconds < 120) return `${seconds}\u00a0s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)}\u00a0min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)}\u00a0h`;
  return `${count(Math.round(seconds / 86_400))}\u00a0d`;
}

/** Adds thousands separators to a whole number of any length; other texts stay as they are. */
export function thousands(text: string): string {
  return /^-?\d+$/.test(text) ? text.replace(/\B(?=(\d{3})+$)/g, ",") : text;
}

/** The unit that a metric's name implies. */
export function unitOf(name: string): string {
  const lower = name.toLowerCase();
  if (/bytes|mem[._]resident|\.rss|_mem\b/.test(lower)) return "B";
  if (/(_ms|\.ms|millis\w*|timestamp_ms)(\.|$)/.test(lower)) return "ms";
  if (/_ns(\.|$)/.test(lower)) return "ns";
  if (/(_s|_seconds|\.seconds)(\.|$)/.test(lower)) return "s";
  if (/percent|density/.test(lower)) return lower.includes("percent") ? "%" : "";
  return "";
}

const time = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** Local time, with the day unless it is today. */
export function moment(at: Date): string {
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? time.format(at) : `${day.format(at)} ${time.format(at)}`;
}

const shortTime = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** Local times of day for an axis, with seconds only if they are closer than a minute. In seconds since 1970. */
export function axisTimes(seconds: readonly number[]): string[] {
  const isClose = seconds.length > 1 && seconds[1]! - seconds[0]! < 60;
  return seconds.map((at) => (isClose ? time : shortTime).format(at * 1_000));
}

/** Local time of day with milliseconds. */
export function timeOfDay(at: Date): string {
  return `${time.format(at)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}
