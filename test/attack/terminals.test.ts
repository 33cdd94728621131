import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import { program, Workplace } from "../end-to-end/daemon.js";

/** Control characters that a terminal obeys, and those that change the direction of its text. */
const evil = "\u001b]0;title\u0007\u001b[2J\u009b1A\u202e\u2066";
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what this is about
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** All output of the program. */
function output(cwd: string, ...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { cwd, timeout: 20_000 }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}

const place = await Workplace.open();
beforeAll(async () => {
  await writeFile(
    place.path("c.json"),
    JSON.stringify({
      networkMagic: 1,
      network: { tag: "AcceptAt", contents: place.socket },
      logging: [{ logRoot: place.logRoot, logMode: "FileMode", logFormat: "ForMachine" }],
      [`${evil}${"k".repeat(300_000)}`]: 1,
      hasEKG: { epHost: evil, epPort: evil },
      muninn: { [`x${evil}`]: 1 },
    }),
  );
  await mkdir(`${place.logRoot}/${evil}`, { recursive: true });
  await writeFile(`${place.logRoot}/${evil}/node-2020-01-01T00-00-00.json`, '{"a":1}\n');
  await writeFile(
    place.path("sent.json"),
    JSON.stringify({ nodes: [{ name: `other${evil}`, objectsSent: 3, thrownAway: 0 }] }),
  );
  return () => place[Symbol.asyncDispose]();
});

test.each([
  ["check of a configuration", ["check", "-c", "c.json"]],
  ["the start with that configuration", ["run", "-c", "c.json"]],
  ["verify of logs in a directory", ["verify", "--sent", "sent.json", "--logs", "logs"]],
  ["verify of a missing file", ["verify", "--sent", `${evil}.json`, "--logs", "logs"]],
])("%s shows names with control characters escaped and at a bounded length", async (_, args) => {
  const said = await output(place.directory, ...args);
  expect(said).toContain("\\x1b]0;title");
  expect(said).not.toMatch(obeyed);
  expect(said.length).toBeLessThan(20_000);
});
