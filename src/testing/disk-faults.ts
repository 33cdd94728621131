import { constants } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type FileSystem, kernelFileSystem } from "../registry/file-system.js";

/** What is wrong with a disk. */
export type DiskFault = {
  /** Only paths that contain this text, or match it. @default all paths */
  readonly path?: string | RegExp | undefined;
} & (
  | {
      /** `ENOSPC` for whatever needs room; a write for which there is some room writes that part. */
      readonly kind: "full";
      /** Bytes that still fit. @default 0 */
      readonly freeBytes?: number | undefined;
    }
  | {
      /**
       * Calls fail with `code`: `EACCES` and `EROFS` when something is opened, created, renamed or removed, `EMFILE` and `ENFILE`
       * when something is opened, `EIO` always.
       */
      readonly kind: "denies";
      readonly code: "EACCES" | "EROFS" | "EMFILE" | "ENFILE" | "EIO";
    }
  /** Every call takes this many milliseconds longer. */
  | { readonly kind: "slow"; readonly milliseconds: number }
  /** No call returns until the fault is healed; then each is carried out. */
  | { readonly kind: "stalls" }
  /** Every write stops after this many bytes, at least 1, and returns that: the caller must write the rest. */
  | { readonly kind: "tears"; readonly bytes: number }
);

/** The real file system, with faults that the test starts and ends. */
export interface FaultyFileSystem extends FileSystem {
  /** Calls affected by a fault so far. */
  readonly met: number;
  /** From now on the disk has this fault as well; the function returned ends it. */
  breaks(fault: DiskFault): () => void;
  /** Ends all faults; calls that were held back are carried out. */
  heals(): void;
}

/** Names of calls. */
type CallName = keyof FileSystem;
type Call = (...args: unknown[]) => Promise<unknown>;

/** A current fault. */
interface Active {
  readonly fault: DiskFault;
  /** Aborted when the fault is over. */
  readonly healed: AbortController;
  /** Bytes that a full disk still accepts. */
  freeBytes: number;
}

const changes: readonly CallName[] = ["mkdir", "symlink", "rename", "unlink"];

/** Makes a file system with these faults from the start, or none. @throws RangeError for an invalid fault */
export function faultyFileSystem(...faults: readonly DiskFault[]): FaultyFileSystem {
  const active = new Set<Active>();
  const pathOfHandle = new Map<number, string>();
  let met = 0;

  async function make(name: CallName, args: unknown[]): Promise<unknown> {
    const paths = pathsOf(args, pathOfHandle);
    const mine = () => [...active].filter(({ fault }) => isAbout(fault, paths));
    for (const { fault, healed } of mine()) {
      if (fault.kind !== "slow" && fault.kind !== "stalls") continue;
      met += 1;
      if (fault.kind === "stalls") await aborted(healed.signal);
      else await delay(fault.milliseconds, undefined, { signal: healed.signal }).catch(() => {});
    }
    for (const { fault, freeBytes } of mine()) {
      const code = refusalOf(fault, freeBytes, name, args);
      if (code === undefined) continue;
      met += 1;
      throw systemError(code, name, paths);
    }
    const real = kernelFileSystem[name] as Call;
    if (name === "write") return real(args[0], shortened(mine(), args[1] as readonly Uint8Array[]));
    if (name === "close") pathOfHandle.delete(args[0] as number);
    const result = await real(...args);
    if (name === "open") pathOfHandle.set(result as number, paths[0]!);
    return result;
  }

  /** How much of a write the disk accepts. */
  function shortened(mine: readonly Active[], pieces: readonly Uint8Array[]): readonly Uint8Array[] {
    const wanted = bytesIn(pieces);
    const limits = mine.map(({ fault, freeBytes }) => (fault.kind === "tears" ? fault.bytes : freeBytes));
    const taken = Math.min(wanted, ...limits);
    if (taken < wanted) met += 1;
    for (const one of mine) one.freeBytes -= taken;
    return taken < wanted ? first(pieces, taken) : pieces;
  }

  const breaks = (fault: DiskFault) => {
    checkFault(fault);
    const freeBytes = fault.kind === "full" ? (fault.freeBytes ?? 0) : Number.POSITIVE_INFINITY;
    const one: Active = { fault, healed: new AbortController(), freeBytes };
    active.add(one);
    return () => {
      active.delete(one);
      one.healed.abort();
    };
  };
  const heals = () => {
    for (const one of [...active]) {
      active.delete(one);
      one.healed.abort();
    }
  };
  for (const fault of faults) breaks(fault);
  const calls = (Object.keys(kernelFileSystem) as CallName[]).map((name) => [
    name,
    (...args: unknown[]) => make(name, args),
  ]);
  return {
    ...(Object.fromEntries(calls) as FileSystem),
    get met() {
      return met;
    },
    breaks,
    heals,
  };
}

/** The paths of a call: the handle's, or those given. */
function pathsOf(args: readonly unknown[], pathOfHandle: ReadonlyMap<number, string>): string[] {
  const [handle] = args;
  if (typeof handle === "number") return [pathOfHandle.get(handle) ?? ""];
  return args.filter((one) => typeof one === "string").map((path) => knownPath(path, pathOfHandle));
}

/** Converts a path through an open directory to an absolute one. */
function knownPath(path: string, pathOfHandle: ReadonlyMap<number, string>): string {
  return path.replace(/^\/proc\/self\/fd\/(\d+)/, (through, fd) => pathOfHandle.get(Number(fd)) ?? through);
}

function isAbout({ path }: DiskFault, paths: readonly string[]): boolean {
  if (path === undefined) return true;
  return paths.some((one) => (typeof path === "string" ? one.includes(path) : one.search(path) !== -1));
}

/** The code with which a call fails; undefined if the fault does not affect it. */
function refusalOf(
  fault: DiskFault,
  freeBytes: number,
  name: CallName,
  args: readonly unknown[],
): string | undefined {
  if (fault.kind === "full") return freeBytes === 0 && needsRoom(name, args) ? "ENOSPC" : undefined;
  if (fault.kind !== "denies") return undefined;
  const opens = name === "open" || name === "readdir";
  const isDenied =
    fault.code === "EIO"
      ? name !== "close"
      : opens || ((fault.code === "EACCES" || fault.code === "EROFS") && changes.includes(name));
  return isDenied ? fault.code : undefined;
}

function needsRoom(name: CallName, args: readonly unknown[]): boolean {
  if (name === "open") return ((args[1] as number) & constants.O_CREAT) !== 0;
  return name === "write" || name === "mkdir" || name === "symlink";
}

/** The pieces up to this many bytes. */
function first(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const taken: Uint8Array[] = [];
  let left = bytes;
  for (const piece of pieces) {
    if (left === 0) break;
    taken.push(piece.subarray(0, left));
    left -= Math.min(left, piece.length);
  }
  return taken;
}

function bytesIn(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function checkFault(fault: DiskFault): void {
  if (fault.kind === "tears" && !(fault.bytes >= 1))
    throw new RangeError(`a write that is torn has at least 1 byte; got bytes: ${fault.bytes}`);
  if (fault.kind === "slow" && !(fault.milliseconds >= 0))
    throw new RangeError(`a slow disk needs milliseconds of 0 or more; got ${fault.milliseconds}`);
  if (fault.kind === "full" && fault.freeBytes !== undefined && !(fault.freeBytes >= 0))
    throw new RangeError(`a full disk has freeBytes of 0 or more; got ${fault.freeBytes}`);
}

function systemError(code: string, syscall: string, paths: readonly string[]): NodeJS.ErrnoException {
  const where = paths.map((path) => `'${path}'`).join(" -> ");
  return Object.assign(new Error(`${code}: injected by the test, ${syscall} ${where}`), { code, syscall });
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
