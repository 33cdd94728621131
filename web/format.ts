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

/** `12.3/s`, from ten on without tenths. */
export function rate(value: number): string {
  return `${value < 10 ? tenths.format(value) : whole.format(value)}/s`;
}

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** `1.5 GiB` */
export function bytes(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 1_024 && unit < byteUnits.length - 1) {
    rest /= 1_024;
    unit += 1;
  }
  return `${unit === 0 ? whole.format(rest) : tenths.format(rest)} ${byteUnits[unit]}`;
}

/** `3 s`, `12 min`, `5 h`, `2 d` */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${count(Math.round(seconds / 86_400))} d`;
}

/** Thousands of a decimal number of any length; other texts stay as they are. */
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

/** Local time, with the day unless it is today's. */
export function moment(at: Date): string {
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? time.format(at) : `${day.format(at)} ${time.format(at)}`;
}

/** Local time of day with milliseconds. */
export function timeOfDay(at: Date): string {
  return `${time.format(at)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}
