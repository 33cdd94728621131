import { type FileSystem, kernelFileSystem } from "../../src/registry/file-system.js";

/** What stands in for a call, and may make it. */
export type Rules = {
  [Name in keyof FileSystem]?: (
    real: FileSystem[Name],
    ...args: Parameters<FileSystem[Name]>
  ) => ReturnType<FileSystem[Name]>;
};

export interface InterposedFileSystem extends FileSystem {
  /** May be changed at any time. */
  readonly rules: Rules;
  /** Names of the calls made so far, with the last part of their path where they have one. */
  readonly calls: string[];
  /** Descriptors that are open. */
  readonly descriptors: Set<number>;
  /** Calls with a descriptor that was not open: by now it may be somebody else's. */
  readonly misused: string[];
}

type Call = (...args: unknown[]) => Promise<unknown>;

/** The kernel's file system, except for the calls that `rules` has something for. */
export function interposedFileSystem(): InterposedFileSystem {
  const rules: Rules = {};
  const calls: string[] = [];
  const descriptors = new Set<number>();
  const misused: string[] = [];
  const names = Object.keys(kernelFileSystem) as (keyof FileSystem)[];
  const entries = names.map((name) => {
    const real = kernelFileSystem[name] as Call;
    const call: Call = async (...args) => {
      const [first] = args;
      calls.push(typeof first === "string" ? `${name} ${first.slice(first.lastIndexOf("/") + 1)}` : name);
      if (typeof first === "number" && !descriptors.has(first)) misused.push(name);
      if (name === "close") descriptors.delete(first as number);
      const rule = rules[name] as ((real: Call, ...args: unknown[]) => Promise<unknown>) | undefined;
      const result = await (rule === undefined ? real(...args) : rule(real, ...args));
      if (name === "open") descriptors.add(result as number);
      return result;
    };
    return [name, call];
  });
  return { ...(Object.fromEntries(entries) as unknown as FileSystem), rules, calls, descriptors, misused };
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
  /** Calls that have come to it. */
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
