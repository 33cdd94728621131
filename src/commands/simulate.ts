import type { Command } from "commander";
import { positiveNumber, wholeNumber } from "./option-values.js";
import type { SimulateOptions } from "./simulation.js";

/** Adds `muninn simulate`: nodes that send numbered trace objects to a tracer, any tracer. */
export function addSimulateCommand(program: Command): void {
  program
    .command("simulate")
    .summary("act as one or many nodes that send traces to a tracer")
    .description(
      "Acts as nodes of the forwarding protocol: answers a tracer's requests with numbered trace objects, metrics and data " +
        "points, reconnects like real nodes, and reports what was asked and sent. Works with any tracer.",
    )
    .option("--connect <address>", "the tracer's socket path or host:port")
    .option(
      "--listen <address>",
      "listen there instead; with several nodes, at paths with -1, -2 … or at consecutive ports",
    )
    .option("--nodes <n>", "how many nodes", wholeNumber(1), 1)
    .option("--count <n>", "trace objects of each node; endless if absent or 0", wholeNumber(0))
    .option(
      "--rate <n>",
      "trace objects a second of each node; if absent, as fast as they are asked for",
      positiveNumber,
    )
    .option("--size <bytes>", "exact length of each line; if absent, like real lines", wholeNumber(1))
    .option("--human", "give every object a human-readable text; without it only some have one")
    .option("--magic <n>", "network magic", wholeNumber(0), 764_824_073)
    .option("--name <name>", "name of the node; of several: NAME-1, NAME-2 …", "node")
    .option(
      "--metrics <n>",
      "how many metrics each node has; if absent, those that dashboards show",
      wholeNumber(0),
    )
    .option(
      "--queue <n>",
      "objects that wait to be asked for, with --rate; more are dropped, as by real nodes (which keep 192)",
      wholeNumber(1),
    )
    .option(
      "--linger <ms>",
      "keep the connection open this long after the tracer has closed its side; real nodes take 1000 to 1300",
      wholeNumber(0),
    )
    .option("--json", "print the report as one JSON document")
    .addHelpText(
      "after",
      "\nExit codes: 0 every node has sent its count and was asked for more, or a signal ended endless ones; " +
        "1 a node has not, or was refused; 2 wrong usage, or it could not start.",
    )
    .action(async (options: SimulateOptions, command: Command) => {
      if ((options.connect === undefined) === (options.listen === undefined)) {
        command.error("error: give either --connect ADDRESS or --listen ADDRESS");
      }
      if (options.queue !== undefined && options.rate === undefined) {
        command.error("error: --queue needs --rate: without it objects are made when they are asked for");
      }
      const { simulate } = await import("./simulation.js");
      process.exitCode = await simulate(options);
    });
}
