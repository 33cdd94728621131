import { Command, CommanderError } from "commander";
import { print } from "./commands/print.js";
import { splitRuntimeOptions } from "./daemon/ghc-runtime-options.js";
import { nearest } from "./fields/suggestion.js";
import { packageVersion } from "./package-version.js";

type AddCommand = (program: Command, given: { readonly runtimeOptions: readonly string[] }) => void;

// Each command's file loads what it needs when it is called; the files of other commands are not even loaded.
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  run: async () => (await import("./commands/run.js")).addRunCommand,
  collect: async () => (await import("./commands/collect.js")).addCollectCommand,
  check: async () => (await import("./commands/check.js")).addCheckCommand,
  simulate: async () => (await import("./commands/simulate.js")).addSimulateCommand,
  demo: async () => (await import("./commands/demo.js")).addDemoCommand,
  record: async () => (await import("./commands/record.js")).addRecordCommand,
  replay: async () => (await import("./commands/replay.js")).addReplayCommand,
  tail: async () => (await import("./commands/tail.js")).addTailCommand,
  top: async () => (await import("./commands/top.js")).addTopCommand,
  verify: async () => (await import("./commands/verify.js")).addVerifyCommand,
  relay: async () => (await import("./commands/relay.js")).addRelayCommand,
  token: async () => (await import("./commands/token.js")).addTokenCommand,
};

const usageError = 2;

/** Runs the command that the process's arguments name, and sets the exit code. */
export async function main(): Promise<void> {
  const program = new Command("muninn")
    .description("Collects the traces of Cardano nodes: a drop-in replacement for cardano-tracer.")
    .usage("[command] [options]\n       muninn -c FILE")
    .version(packageVersion, "-V, --version")
    .addHelpText(
      "after",
      "\nExit codes: 0 all went well, 1 something failed, 2 wrong usage or configuration.",
    )
    .configureOutput({ writeOut: print })
    .showHelpAfterError("(see --help)")
    .exitOverride();
  // Units and scripts of cardano-tracer pass options for GHC's runtime as well.
  const { args, runtimeOptions } = splitRuntimeOptions(process.argv.slice(2));
  const [named = ""] = args;
  const wanted = commandsFor(named);
  for (const add of await Promise.all(wanted.map((name) => commands[name]!())))
    add(program, { runtimeOptions });

  try {
    refuseUnknownCommand(program, named);
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed the message; its only code is 1.
      process.exitCode = error.exitCode === 0 ? 0 : usageError;
    } else {
      process.stderr.write(`muninn: ${error instanceof Error ? error.stack : error}\n`);
      process.exitCode = 1;
    }
  }
}

/** The commands to load for a first argument: all of them only if help lists them. */
function commandsFor(first: string): readonly string[] {
  if (Object.hasOwn(commands, first)) return [first];
  const listing = ["", "help", "-h", "--help"];
  return first.startsWith("-") && !listing.includes(first) ? ["run"] : Object.keys(commands);
}

/** An unknown command would count as an argument of the default one, which would hide a typing error. */
function refuseUnknownCommand(program: Command, first: string): void {
  const names = ["help", ...Object.keys(commands)];
  if (first === "" || first.startsWith("-") || names.includes(first)) return;
  const meant = nearest(first, names);
  program.error(`error: unknown command '${first}'${meant === undefined ? "" : `; did you mean ${meant}?`}`);
}
