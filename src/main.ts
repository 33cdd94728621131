import { Command, CommanderError } from "commander";
import { addCheckCommand } from "./commands/check.js";
import { addDemoCommand } from "./commands/demo.js";
import { addRecordCommand } from "./commands/record.js";
import { addReplayCommand } from "./commands/replay.js";
import { addRunCommand } from "./commands/run.js";
import { addSimulateCommand } from "./commands/simulate.js";
import { addVerifyCommand } from "./commands/verify.js";
import { nearest } from "./config/suggestion.js";
import { packageVersion } from "./package-version.js";

// The files of the commands load quickly; each brings in what it does when it is called.

const usageError = 2;

const program = new Command("muninn")
  .description("Collects the traces of Cardano nodes: a drop-in replacement for cardano-tracer.")
  .usage("[command] [options]\n       muninn -c FILE")
  .version(packageVersion, "-V, --version")
  .addHelpText("after", "\nExit codes: 0 all went well, 1 something failed, 2 wrong usage or configuration.")
  .showHelpAfterError("(--help tells more)")
  .exitOverride();
addRunCommand(program);
addCheckCommand(program);
addSimulateCommand(program);
addDemoCommand(program);
addRecordCommand(program);
addReplayCommand(program);
addVerifyCommand(program);

try {
  refuseUnknownCommand(process.argv[2]);
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said what there is to say, and knows 1 only.
    process.exitCode = error.exitCode === 0 ? 0 : usageError;
  } else {
    process.stderr.write(`muninn: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 1;
  }
}

/** What is no command would be an argument of the default one, and a slip of the keyboard hard to see. */
function refuseUnknownCommand(first: string | undefined): void {
  const names = ["help", ...program.commands.map((command) => command.name())];
  if (first === undefined || first.startsWith("-") || names.includes(first)) return;
  const meant = nearest(first, names);
  program.error(`error: unknown command '${first}'${meant === undefined ? "" : `; did you mean ${meant}?`}`);
}
