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
export function decodeClaimFile(text: string): ClaimFile | undefined {
  const [, first, ...changes] = text.split("\n");
  const holder = decodeHolder(first ?? "");
  if (holder === undefined) return undefined;
  const claims = new Set<string>();
  for (const line of changes) {
    const change = parsed(line);
    if (!Array.isArray(change) || typeof change[1] !== "string") continue;
    if (change[0] === "+") claims.add(change[1]);
    else claims.delete(change[1]);
  }
  return { holder, claims };
}

function decodeHolder(line: string): Holder | undefined {
  const found = parsed(line) as Partial<Holder> | null | undefined;
  if (typeof found?.id !== "string" || typeof found.machine !== "string") return undefined;
  const { id, machine, pid = 0, since = "", hasSocket = false } = found;
  const identity = typeof found.identity === "string" ? found.identity : undefined;
  return { id, machine, pid: Number(pid), identity, since: String(since), hasSocket: hasSocket === true };
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
