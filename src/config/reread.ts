import { Worker } from "node:worker_threads";
import type { Config } from "./config.js";
import { FileError, readSmallFile } from "./small-file.js";

/** A configuration that was read again. */
export interface Reread {
  readonly config: Config;
  /** As lines: the first hundred, and how many more there are. */
  readonly warnings: readonly string[];
}

interface Refused {
  readonly message: string;
  readonly problems: number;
}

/** What the thread reports at its end, and its requests before. */
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

/** Longest time for the thread, including all files that it asks for, in milliseconds. */
const deadlineMs = 30_000;

/** Memory limit of the thread. A file of 4 MiB in which every byte is a value needs more, but no real configuration does. */
const maxHeapMiB = 128;

/**
 * Reads a configuration while a tracer runs. Parsing YAML, checking fields and finding their places cannot be done in
 * pieces, so a separate thread does it: whatever is in the file, nothing else waits for it.
 *
 * @throws RefusedConfig
 */
export async function rereadConfig(file: string): Promise<Reread> {
  // Works both bundled and as modules: in both cases the parts are one folder below `dist`.
  const thread = new Worker(new URL("../config/reading-thread.js", import.meta.url), {
    workerData: file,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB },
    // Preloaded modules and coverage of the process do not concern the thread.
    execArgv: [],
    env: {},
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const outcome = await new Promise<Outcome>((resolve, reject) => {
      const refuse = (what: string) =>
        reject(new RefusedConfig({ message: `${file}: ${what}`, problems: 1 }));
      timer = setTimeout(
        () => refuse(`could not be parsed within ${deadlineMs / 1_000} s`),
        deadlineMs,
      ).unref();
      thread.on("message", (message: Question | Outcome) => {
        if ("read" in message) void answerTo(message).then((answer) => thread.postMessage(answer));
        else resolve(message);
      });
      thread.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "ERR_WORKER_OUT_OF_MEMORY") reject(error);
        else refuse(`needs more than ${maxHeapMiB} MiB of memory to be parsed`);
      });
      // It does not keep a process alive that was stopped meanwhile. After the listeners, which would undo that.
      thread.unref();
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
