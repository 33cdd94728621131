import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { loadConfig } from "./load.js";
import { ConfigError, formatProblems } from "./problem.js";
import type { Answer, Outcome } from "./reread.js";
import { FileError } from "./small-file.js";

// A separate thread that reads one configuration, reports the result, and ends (`reread.ts`).

/** Asks the main thread to read a file: it knows which reads hang, and outlives them. */
async function read(port: MessagePort, file: string): Promise<string> {
  const answer = new Promise<Answer>((resolve) => port.once("message", resolve));
  port.postMessage({ read: file });
  const answered = await answer;
  if ("text" in answered) return answered.text;
  throw new FileError(answered.code, answered.message);
}

async function outcome(file: string, port: MessagePort): Promise<Outcome> {
  // One after the other, because an answer does not name its question.
  let reading: Promise<unknown> = Promise.resolve();
  const inTurn = (name: string) => {
    const next = reading.then(() => read(port, name));
    reading = next.catch(() => {});
    return next;
  };
  try {
    const { config, warnings } = await loadConfig(file, inTurn);
    return { config, warnings: formatProblems(file, warnings) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { message: error.message, problems: error.problems.length };
  }
}

parentPort!.postMessage(await outcome(workerData as string, parentPort!));
parentPort!.close();
