import { type FileSystem, kernelFileSystem } from "../../src/registry/file-system.js";

/** Replaces a call, and may make it. */
export type Rules = {
  [Name in keyof FileSystem]?: (
    real: FileSystem[Name],
    ...args: Parameters<FileSystem[Name]>
  ) => ReturnType<FileSystem[Name]>;
};

export interface InterposedFileSystem extends FileSystem {
  /** May be changed at any time. */
  readonly rules: Rules;
  /** Names of the calls made so far, with the last part of their path if they have one. */
  readonly calls: string[];
  /** Open descriptors, with their paths. */
  readonly descriptors: Map<number, string>;
  /** The path that a descriptor was opened by, closed or not. */
  pathOf(fd: number): string;
  /** Calls with a descriptor that was not open: by now it may belong to somebody else. */
  readonly misused: string[];
}

type Call = (...args: unknown[]) => Promise<unknown>;

/**
 * The kernel's file system, except for the calls that have a rule in `rules`. Rules get paths as users know
 * them; the kernel gets those from the registry, which lead through open directories.
 */
export function interposedFileSystem(): InterposedFileSystem {
  const rules: Rules = {};
  const calls: string[] = [];
  const descriptors = new Map<number, string>();
  const paths = new Map<number, string>();
  const misused: string[] = [];
  const names = Object.keys(kernelFileSystem) as (keyof FileSystem)[];
  const entries = names.map((name) => {
    const real = kernelFileSystem[name] as Call;
    const call: Call = async (...args) => {
      const known = args.map((argument) => knownPath(argument, descriptors));
      const [first] = known;
      calls.push(typeof first === "string" ? `${name} ${first.slice(first.lastIndexOf("/") + 1)}` : name);
      if (typeof first === "number" && !descriptors.has(first)) misused.push(name);
      if (name === "close") descriptors.delete(first as number);
      const made: Call = (...given) =>
        real(...given.map((argument, index) => (argument === known[index] ? args[index] : argument)));
      const rule = rules[name] as ((real: Call, ...args: unknown[]) => Promise<unknown>) | undefined;
      const result = await (rule === undefined ? real(...args) : rule(made, ...known));
      if (name === "open") {
        descriptors.set(result as number, first as string);
        paths.set(result as number, first as string);
      }
      return result;
    };
    return [name, call];
  });
  const pathOf = (fd: number) => paths.get(fd) ?? "";
  const calledUpon = Object.fromEntries(entries) as unknown as FileSystem;
  return { ...calledUpon, rules, calls, descriptors, pathOf, misused };
}

/** Converts a path through an open directory to an absolute one. */
function knownPath(argument: unknown, descriptors: ReadonlyMap<number, string>): unknown {
  if (typeof argument !== "string") return argument;
  return argument.replace(
    /^\/proc\/self\/fd\/(\d+)/,
    (through, fd) => descriptors.get(Number(fd)) ?? through,
  );
}

/** A rule for closing: holds back the closes of log files, but not those of directories. */
export function closesOfLogs(disk: InterposedFileSystem, gate: Gate): NonNullable<Rules["close"]> {
  return (real, fd) => (/\.(json|log)$/.test(disk.pathOf(fd)) ? gate.rule(real, fd) : real(fd));
}

/** An error as the system makes them. */
export function errno(code: string, syscall = "write"): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected, ${syscall}`), { code, syscall });
}

/** Never settles, as a call on a dead disk. */
export function hang<T>(): Promise<T> {
  return new Promise<T>(() => {});
}

/** Holds calls back until it is opened. */
export class Gate {
  /** Calls that have reached it. */
  arrived = 0;
  readonly #passed: Promise<void>;
  open: () => void = () => {};

  constructor() {
    this.#passed = new Promise((resolve) => {
      this.open = resolve;
    });
  }

  pass = async (): Promise<void> => {
    this.arrived += 1;
    await this.#passed;
  };

  /** A rule for any call: makes it when the gate is open. */
  rule = async <Args extends unknown[], Result>(
    real: (...args: Args) => Promise<Result>,
    ...args: Args
  ): Promise<Result> => {
    await this.pass();
    return real(...args);
  };
}
