import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { program } from "../end-to-end/daemon.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Runs the built program to its end. */
function muninn(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { cwd: directory }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const good = `networkMagic: 1
network: {tag: AcceptAt, contents: /run/muninn.sock}
logging: [{logRoot: /logs, logMode: FileMode, logFormat: ForMachine}]
`;

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(directory, name), text);
  return name;
}

test("check prints the effective configuration on stdout, warnings on stderr, and ends with 0", async () => {
  const { code, stdout, stderr } = await muninn(
    "check",
    "-c",
    await file("warned.yaml", `${good}loging: 1\n`),
  );
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: "warning: warned.yaml:4:1: loging: is unknown and ignored; did you mean logging?\n",
  });
  expect(parse(stdout)).toMatchObject({ networkMagic: 1, loRequestNum: 100, muninn: { requestsAhead: 200 } });
});

test("check prints errors and warnings on stderr only, and ends with 2", async () => {
  const text = `${good}loRequestNum: 0\nloging: 1\nmuninn: {durabilty: disk}\n`;
  expect(await muninn("check", "-c", await file("wrong.yaml", text))).toEqual({
    code: 2,
    stdout: "",
    stderr: `error: wrong.yaml:4:15: loRequestNum: is the number 0; must be a whole number from 1 to 65535
error: wrong.yaml:6:10: muninn.durabilty: is unknown; did you mean muninn.durability?
warning: wrong.yaml:5:1: loging: is unknown and ignored; did you mean logging?
`,
  });
});

test("check --json prints one document for a good configuration, secrets masked", async () => {
  const text = `${good}hasEKG: {epHost: a, epPort: 1}\nloging: 1\nmuninn: {auth: {ekg: {bearerToken: hunter2}}}\n`;
  const { code, stdout, stderr } = await muninn("check", "--json", "-c", await file("good.yaml", text));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).not.toContain("hunter2");
  expect(JSON.parse(stdout)).toMatchObject({
    file: "good.yaml",
    config: {
      loRequestNum: 100,
      muninn: { nameTimeoutMs: 10_000, auth: { ekg: { bearerToken: "********" } } },
    },
    errors: [],
    warnings: [
      {
        code: "unknown-field",
        field: "loging",
        position: { line: 5, column: 1 },
        message: "is unknown and ignored; did you mean logging?",
      },
    ],
  });
});

test("check --json prints one document for a wrong configuration", async () => {
  const { code, stdout } = await muninn("check", "--json", "-c", "none.yaml");
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    file: "none.yaml",
    errors: [{ code: "unreadable", message: "cannot be read: no such file" }],
    warnings: [],
  });
});

test.each([
  ["an unknown command", ["chekc", "-c", "x"], "unknown command 'chekc'; did you mean check?"],
  ["an unknown option", ["check", "--jsn", "-c", "x"], "unknown option '--jsn'"],
  ["a missing option", ["check"], "required option '-c, --config <file>' not specified"],
  ["nothing at all", [], "required option '-c, --config <file>' not specified"],
  ["too much", ["check", "-c", "x", "y"], "too many arguments"],
])("%s is wrong usage: exit code 2", async (_, args, message) => {
  const { code, stdout, stderr } = await muninn(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});

test("--help tells every command and the exit codes, and ends with 0", async () => {
  const { code, stdout } = await muninn("--help");
  expect(code).toBe(0);
  for (const command of ["run", "check", "simulate", "demo"])
    expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, "m"));
  expect(stdout).toContain(
    "Exit codes: 0 all went well, 1 something failed, 2 wrong usage or configuration.",
  );
});

test.each(["run", "check", "simulate", "demo"])("%s --help tells its exit codes", async (command) => {
  const { code, stdout } = await muninn(command, "--help");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Exit codes: 0 /m);
});

test("--version is that of the package", async () => {
  const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
  expect(await muninn("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});
