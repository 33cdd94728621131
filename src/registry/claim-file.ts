/** Who a tracer is to the others that share a root with it. */
export interface Holder {
  /** Its own id, made again each time it comes to a root. */
  readonly id: string;
  /** The boot id: a machine that was restarted is another one. */
  readonly machine: string;
  readonly pid: number;
  /** What it collects from, such as `AcceptAt unix:/run/cardano.sock`. */
  readonly identity: string | undefined;
  /** When it came, as an ISO date. */
  readonly since: string;
  /** It listens on a socket next to its file, so that it can be asked whether it lives. */
  readonly hasSocket: boolean;
}

/** What a claim file says. */
export interface ClaimFile {
  readonly holder: Holder;
  readonly claims: ReadonlySet<string>;
}

const beatDigits = 12;

/** The first line, of constant length: rewritten in place, it makes the file's time of change the last sign of life. */
export function encodeBeat(count: number): string {
  return `${String(count).padStart(beatDigits, "0")}\n`;
}

export function encodeClaimFile(holder: Holder, claims: Iterable<string>): string {
  return `${encodeBeat(0)}${JSON.stringify(holder)}${encodeChanges("+", claims)}\n`;
}

/** Changes follow one another, each after a line feed of its own: one that a full disk cut off spoils no other. */
export function encodeChanges(sign: "+" | "-", claims: Iterable<string>): string {
  let text = "";
  for (const claim of claims) text += `\n${JSON.stringify([sign, claim])}`;
  return text;
}

/** Undefined for a file without a holder, as a power failure leaves one. */
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
