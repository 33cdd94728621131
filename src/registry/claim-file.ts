import { setImmediate as nextTurn } from "node:timers/promises";

/** How a tracer presents itself to others that share a root with it. */
export interface Holder {
  /** Its id, new each time it joins a root. */
  readonly id: string;
  /** The boot id: after a restart a machine counts as another one. */
  readonly machine: string;
  readonly pid: number;
  /** What it collects from, such as `AcceptAt unix:/run/cardano.sock`. */
  readonly identity: string | undefined;
  /** When it joined, as an ISO date. */
  readonly since: string;
  /** Whether it listens on a socket next to its file, so that it can be asked whether it is alive. */
  readonly hasSocket: boolean;
}

/** The content of a claim file. */
export interface ClaimFile {
  readonly holder: Holder;
  readonly claims: ReadonlySet<string>;
}

const beatDigits = 12;
/** No tracer writes longer lines: an identity names addresses, a claim one directory. */
const maxLineLength = 256 * 1_024;
/** Most characters of a holder's facts, which are shown to people. */
const maxFactLength = 1_000;
/** Lines that are read between two pauses, some milliseconds of work: anybody who may write there may have written the file. */
const linesAtOnce = 2_000;

/** The first line has a constant length: rewriting it in place makes the file's modification time the last heartbeat. */
export function encodeBeat(count: number): string {
  return `${String(count).padStart(beatDigits, "0")}\n`;
}

export function encodeClaimFile(holder: Holder, claims: Iterable<string>): string {
  return `${encodeBeat(0)}${JSON.stringify(holder)}${encodeChanges("+", claims)}\n`;
}

/** Changes are appended, each after a line feed, so that one cut off by a full disk does not spoil another. */
export function encodeChanges(sign: "+" | "-", claims: Iterable<string>): string {
  let text = "";
  for (const claim of claims) text += `\n${JSON.stringify([sign, claim])}`;
  return text;
}

/** Undefined for a file without a holder, as after a power failure. */
export async function decodeClaimFile(text: string): Promise<ClaimFile | undefined> {
  let holder: Holder | undefined;
  const claims = new Set<string>();
  let number = 0;
  for (const line of linesOf(text)) {
    number += 1;
    if (number % linesAtOnce === 0) await nextTurn();
    if (number === 1) continue;
    const found = line.length > maxLineLength ? undefined : parsed(line);
    if (number === 2) {
      holder = holderIn(found);
      if (holder === undefined) return undefined;
      continue;
    }
    if (!Array.isArray(found) || typeof found[1] !== "string") continue;
    if (found[0] === "+") claims.add(found[1]);
    else claims.delete(found[1]);
  }
  return holder && { holder, claims };
}

function* linesOf(text: string): Generator<string> {
  for (let start = 0; start <= text.length; ) {
    const found = text.indexOf("\n", start);
    const end = found === -1 ? text.length : found;
    yield text.slice(start, end);
    start = end + 1;
  }
}

function holderIn(value: unknown): Holder | undefined {
  const found = value as Partial<Record<keyof Holder, unknown>> | null | undefined;
  if (typeof found?.id !== "string" || typeof found.machine !== "string") return undefined;
  const { id, machine, pid, identity, since, hasSocket } = found;
  return {
    id: shown(id),
    machine: shown(machine),
    pid: Number.isSafeInteger(pid) ? (pid as number) : 0,
    identity: typeof identity === "string" ? shown(identity) : undefined,
    since: typeof since === "string" ? shown(since) : "",
    hasSocket: hasSocket === true,
  };
}

function shown(text: string): string {
  return text.length > maxFactLength ? `${text.slice(0, maxFactLength)}…` : text;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** `process 12, AcceptAt unix:/run/cardano.sock, since 2026-02-16T09:30:01.000Z` */
export function describeHolder({ pid, identity, since }: Holder): string {
  return [`process ${pid}`, identity, `since ${since}`].filter((part) => part !== undefined).join(", ");
}
