import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

/** The page that describes each command. */
const pages = {
  run: "command-line",
  collect: "command-line",
  check: "command-line",
  demo: "command-line",
  simulate: "simulate",
  record: "recording",
  replay: "recording",
  tail: "tail",
  top: "tail",
  verify: "verify",
  relay: "command-line",
  token: "command-line",
} as const;

async function help(...command: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ["dist/bin.cjs", ...command, "--help"]);
  return stdout;
}

test("every command is in the table of docs/command-line.md, and no other", async () => {
  const [, listing = ""] = (await help()).split("Commands:");
  const listed = [...listing.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
  const commands = listed.filter((name) => name !== "help").sort();
  const table = (await readFile("docs/command-line.md", "utf8")).split("\n## ")[0]!;
  expect([...table.matchAll(/^\| `([a-z]+)` \|/gm)].map(([, name]) => name).sort()).toEqual(commands);
  expect(Object.keys(pages).sort()).toEqual(commands);
});

describe.each(Object.entries(pages))("muninn %s", (command, page) => {
  test(`has every flag of its own in docs/${page}.md`, async () => {
    const text = await readFile(`docs/${page}.md`, "utf8");
    const flags = [...(await help(command)).matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(
      ([, flag]) => flag!,
    );
    expect(flags.filter((flag) => flag !== "--help" && !new RegExp(`${flag}\\b`).test(text))).toEqual([]);
  });
});
