import type { Command } from "commander";
import { print } from "./print.js";

/** Enough bytes to be impossible to guess. */
const tokenBytes = 32;

/** Adds `muninn token`: a secret for links, in a file. */
export function addTokenCommand(program: Command): void {
  program
    .command("token")
    .summary("create a token file for links")
    .description(
      "Writes a new random token to a file that only its owner can read. The tracer names the file in muninn.links " +
        "(access: tokenFile), a relay with --token-file. An existing file is left alone.",
    )
    .argument("<file>", "where to write it")
    .addHelpText("after", "\nExit codes: 0 the file was written, 2 it was not, or wrong usage.")
    .action(async (file: string) => {
      process.exitCode = await makeToken(file);
    });
}

async function makeToken(file: string): Promise<number> {
  const [{ randomBytes }, { writeFile }] = await Promise.all([
    import("node:crypto"),
    import("node:fs/promises"),
  ]);
  const token = randomBytes(tokenBytes).toString("base64url");
  try {
    await writeFile(file, `${token}\n`, { flag: "wx", mode: 0o600, flush: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "EEXIST" ? "it already exists and is left alone" : message;
    process.stderr.write(`muninn token: ${file} is not written: ${reason}\n`);
    return 2;
  }
  print(`${file} holds a new token: copy it unchanged to the other side, and keep it secret\n`);
  return 0;
}
