import { Worker } from "node:worker_threads";
import type { Config } from "./config.js";
import { FileError, readSmallFile } from "./small-file.js";

/** What a configuration is that was read again. */
export interface Reread {
  readonly config: Config;
  /** As lines: the first hundred, and how many more there are. */
  readonly warnings: readonly string[];
}

interface Refused {
  readonly message: string;
  readonly problems: number;
}

/** What the thread reports at its end, and what it asks for before. */
export type Outcome = Reread | Refused;
type Question = { readonly read: string };
export type Answer =
  | { readonly text: string }
  | { readonly code: FileError["code"]; readonly message: string };

/** A configuration that cannot be used; the message says what is wrong with it. */
export class RefusedConfig extends Error {
  override readonly name = "RefusedConfig";
  /** How many things are wrong; the message has the first hundred. */
  readonly problems: number;

  constructor({ message, problems }: Refused) {
    super(message);
    this.problems = problems;
  }
}

/** For how long the thread may take, with all files that it asks for, in milliseconds. */
const deadlineMs = 30_000;

/** What the thread may hold. A file of 4 MiB whose every byte is a value takes more, and no configuration does. */
const maxHeapMiB = 128;

/**
 * Reads a configuration while a tracer runs. To understand YAML, to check fields and to find their places takes a file
 * as a whole, so a separate thread does it: whatever is in the file, nothing else waits for it.
 *
 * @throws RefusedConfig
 */
export async function rereadConfig(file: string): Promise<Reread> {
  // As the packed program and as modules: the parts of both are one folder below `dist`.
  const thread = new Worker(new URL("../config/reading-thread.js", import.meta.url), {
    workerData: file,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB },
    // What is preloaded into the process, or counted of it, does not concern the thread.
    execArgv: [],
    env: {},
  });
  thread.unref();
  let timer: NodeJS.Timeout | undefined;
  try {
    const outcome = await new Promise<Outcome>((resolve, reject) => {
      const refuse = (what: string) =>
        reject(new RefusedConfig({ message: `${file}: ${what}`, problems: 1 }));
      timer = setTimeout(() => refuse(`is not understood after ${deadlineMs / 1_000} s`), deadlineMs);
      thread.on("message", (message: Question | Outcome) => {
        if ("read" in message) void answerTo(message).then((answer) => thread.postMessage(answer));
        else resolve(message);
      });
      thread.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "ERR_WORKER_OUT_OF_MEMORY") reject(error);
        else refuse(`takes more than ${maxHeapMiB} MiB of memory to understand`);
      });
    });
    if ("config" in outcome) return outcome;
    throw new RefusedConfig(outcome);
  } finally {
    clearTimeout(timer);
    void thread.terminate();
  }
}

async function answerTo({ read }: Question): Promise<Answer> {
  try {
    return { text: await readSmallFile(read) };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return { code: error.code, message: error.message };
  }
}
