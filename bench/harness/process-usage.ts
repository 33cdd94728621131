import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks in a second in `/proc`: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
/** Fields 14 and 15 of `/proc/PID/stat`, counted from after the command's name: see proc(5). */
const userTicks = 11;
const systemTicks = 12;

/** Seconds of processor time, user and system, that all threads of a process have used so far. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[userTicks]) + Number(fields[systemTicks])) / ticksPerSecond;
}

/** The same for the existing threads, without rounding to ticks, for processes that hardly run. See `/proc/PID/schedstat` in proc(5). */
export function busySeconds(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [busy] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
    nanoseconds += Number(busy);
  }
  return nanoseconds / 1e9;
}

/** Bytes that a process has passed to `write` and similar calls so far, for files and others. See `/proc/PID/io` in proc(5). */
export function writtenBytes(pid: number): number {
  return numberIn(`/proc/${pid}/io`, /^wchar: (\d+)$/m);
}

/** The maximum memory of a process so far, in KiB. */
export function peakMemoryKiB(pid: number): number {
  return statusKiB(pid, "VmHWM");
}

/** The current memory of a process, in KiB. */
export function memoryKiB(pid: number): number {
  return statusKiB(pid, "VmRSS");
}

function statusKiB(pid: number, field: string): number {
  return numberIn(`/proc/${pid}/status`, new RegExp(`^${field}:\\s+(\\d+) kB$`, "m"));
}

function numberIn(path: string, pattern: RegExp): number {
  const value = pattern.exec(readFileSync(path, "utf8"))?.[1];
  if (value === undefined) throw new Error(`${path} has nothing like ${pattern.source}`);
  return Number(value);
}
