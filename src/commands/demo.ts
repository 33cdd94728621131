import type { Command } from "commander";
import { positiveNumber } from "./option-values.js";

/** Adds `muninn demo`: the daemon with three simulated nodes, for a first look. */
export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .summary("run a tracer with three simulated nodes")
    .description(
      "Runs a tracer on a built-in configuration and three simulated nodes that send it traces. All its files are " +
        "below --dir; nothing else is touched. Ctrl-C ends it.",
    )
    .option("--dir <dir>", "where the files go", "run")
    .option("--seconds <n>", "stop after this many seconds", positiveNumber)
    .option("--rate <n>", "trace objects a second from each node", positiveNumber, 20)
    .addHelpText(
      "after",
      "\nExit codes: 0 every line arrived, 1 not every line arrived, 2 wrong usage, or it could not start.",
    )
    .action(async (options: { dir: string; seconds?: number; rate: number }) => {
      const { demonstrate } = await import("./demonstration.js");
      process.exitCode = await demonstrate(options);
    });
}
