import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { eventually } from "../../src/testing/eventually.js";
import { program } from "../end-to-end/daemon.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Runs the built program until it exits. */
function muninn(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    // The umask is the caller's, and the expectations below depend on it.
    const command = [`umask 0; exec "$@"`, "sh", process.execPath, program, ...args];
    execFile("/bin/sh", ["-c", ...command], { cwd: directory }, (error, stdout, stderr) => {
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

test("check prints the effective configuration on stdout and warnings on stderr, and exits with 0", async () => {
  const { code, stdout, stderr } = await muninn(
    "check",
    "-c",
    await file("warned.yaml", `${good}loging: 1\n`),
  );
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: `warning: warned.yaml:4:1: loging: is unknown and ignored; did you mean logging?
note: nodes: the owner and the group of /run/muninn.sock may connect (mode 0770 by the umask 0000; muninn.socketMode sets it)
note: log files: the owner, the group and others may read (mode 0644 by the umask 0000, directories 0755; muninn.files sets them)
warned.yaml can be used: 1 warning
`,
  });
  expect(parse(stdout)).toMatchObject({ networkMagic: 1, loRequestNum: 100, muninn: { requestsAhead: 200 } });
});

test("check prints errors and warnings on stderr only, and exits with 2", async () => {
  const text = `${good}loRequestNum: 0\nloging: 1\nmuninn: {durabilty: disk}\n`;
  expect(await muninn("check", "-c", await file("wrong.yaml", text))).toEqual({
    code: 2,
    stdout: "",
    stderr: `error: wrong.yaml:4:15: loRequestNum: is the number 0; must be a whole number from 1 to 65535
error: wrong.yaml:6:10: muninn.durabilty: is unknown; did you mean muninn.durability?
warning: wrong.yaml:5:1: loging: is unknown and ignored; did you mean logging?
wrong.yaml cannot be used: 2 errors, 1 warning
`,
  });
});

test("check reports unreadable help texts as an error, though run would start without them", async () => {
  const { code, stdout, stderr } = await muninn(
    "check",
    "-c",
    await file("help.yaml", `${good}metricsHelp: /none\n`),
  );
  expect({ code, stdout, stderr }).toEqual({
    code: 2,
    stdout: "",
    stderr: `error: help.yaml:4:14: metricsHelp: /none cannot be read: no such file
help.yaml cannot be used: 1 error
`,
  });
});

describe("--here", () => {
  let server: Server;
  let port: number;
  beforeEach(async () => {
    server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
    await writeFile(join(directory, "no-directory"), "");
    await writeFile(join(directory, "no-socket"), "");
  });
  afterEach(() => {
    server.close();
  });

  const here = async (text: string) => {
    const { code, stderr } = await muninn("check", "--here", "-c", await file("here.yaml", text));
    return { code, errors: stderr.split("\n").filter((line) => line.startsWith("error: ")) };
  };

  test("reports what on this machine would make run fail, with its place; without --here the machine is not checked", async () => {
    const text = `networkMagic: 1
network: {tag: AcceptAt, contents: no-socket}
hasPrometheus: {epHost: 127.0.0.1, epPort: ${port}}
hasEKG: {epHost: 203.0.113.7, epPort: 0}
muninn: {health: {host: 127.0.0.1, port: 0}}
logging:
  - {logRoot: no-directory/logs, logMode: FileMode, logFormat: ForMachine}
`;
    expect(await here(text)).toEqual({
      code: 2,
      errors: [
        "error: here.yaml:2:36: network.contents: no-socket exists and is not a socket, so it is left alone. Remove it or listen elsewhere",
        `error: here.yaml:3:44: hasPrometheus.epPort: port ${port} of 127.0.0.1 is in use by another program`,
        "error: here.yaml:4:18: hasEKG.epHost: 203.0.113.7 is not a name or address of this machine",
        expect.stringContaining(
          `error: here.yaml:7:15: logging[0].logRoot: cannot write below ${join(directory, "no-directory/logs")}: ENOTDIR`,
        ),
      ],
    });
    expect((await muninn("check", "-c", "here.yaml")).code).toBe(0);
  });

  test.each([
    ["a port in use", () => `127.0.0.1:${port}`, "is in use: another tracer, or another program"],
    [
      "a socket below a missing directory",
      () => "none/none/tracer.sock",
      "cannot listen at none/none/tracer.sock: there is no directory none\\. ",
    ],
  ])("refuses %s as the address that nodes connect to", async (_, contents, message) => {
    const text = good.replace("/run/muninn.sock", `"${contents()}"`).replace("/logs", "logs");
    expect(await here(text)).toEqual({
      code: 2,
      errors: [expect.stringMatching(new RegExp(`^error: here.yaml:2:36: network.contents: .*${message}`))],
    });
  });

  test("refuses a socket on which another program answers, and accepts and leaves a dead one", async () => {
    const other = createServer().listen(join(directory, "living.sock"));
    await once(other, "listening");
    const text = (socket: string) => good.replace("/run/muninn.sock", socket).replace("/logs", "logs");
    expect((await here(text("living.sock"))).errors).toEqual([expect.stringContaining("is in use")]);
    await rename(join(directory, "living.sock"), join(directory, "dead.sock"));
    other.close();
    await once(other, "close");
    expect(await here(text("dead.sock"))).toEqual({ code: 0, errors: [] });
    expect(await readdir(directory)).toContain("dead.sock");
    expect(await readdir(directory)).not.toContain("logs");
  });
});

test("--here refuses a configuration that another tracer runs already, and leaves the claims of a dead one alone", async () => {
  const text = good.replace("AcceptAt, contents: /run/muninn.sock", "ConnectTo, contents: [no-node.sock]");
  const name = await file("twin.yaml", text.replace("/logs", "twin-logs"));
  const claims = async () => {
    const names = await readdir(join(directory, "twin-logs/.muninn")).catch(() => []);
    return names.filter((each) => each.endsWith(".claims"));
  };
  const tracer = spawn(process.execPath, [program, "-c", name], { cwd: directory, stdio: "ignore" });
  try {
    await eventually(async () => expect(await claims()).toHaveLength(1));
    const { code, stderr } = await muninn("check", "--here", "-c", name);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: twin\.yaml:3:21: logging\[0\]\.logRoot: another tracer already runs this configuration: process \d+, ConnectTo no-node\.sock, below .*twin-logs since .*; stop it first$/m,
    );
  } finally {
    tracer.kill("SIGKILL");
    await once(tracer, "exit");
  }
  expect((await muninn("check", "--here", "-c", name)).code).toBe(0);
  expect(await claims()).toHaveLength(1);
});

test.each([
  ["{kind: otlp, url: http://127.0.0.1:1, headersFile: none}", "/none cannot be read: no such file"],
  [
    "{kind: nats, servers: [nats://127.0.0.1:1], stream: T, caFile: none}",
    "/none cannot be read: no such file",
  ],
  ["{kind: nats, servers: [nats://127.0.0.1:1], stream: T, nkeyFile: sinks.yaml}", "holds no seed"],
])("check and run refuse the sink %s in the same words", async (sink, message) => {
  const name = await file("sinks.yaml", `${good}muninn:\n  sinks: [${sink}]\n`);
  const checked = await muninn("check", "-c", name);
  const run = await muninn("run", "-c", name);
  expect(checked.stderr).toMatch(/^error: sinks\.yaml:5:11: muninn\.sinks\[0\]: /);
  expect(checked.stderr).toContain(message);
  expect({ ...run, stderr: `error: ${run.stderr}` }).toEqual({
    code: 2,
    stdout: "",
    stderr: checked.stderr.slice(0, checked.stderr.indexOf("\n") + 1),
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

test("--help lists every command and the exit codes, and exits with 0", async () => {
  const { code, stdout } = await muninn("--help");
  expect(code).toBe(0);
  for (const command of ["run", "check", "simulate", "demo"])
    expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, "m"));
  expect(stdout).toContain(
    "Exit codes: 0 all went well, 1 something failed, 2 wrong usage or configuration.",
  );
});

test.each(["run", "check", "simulate", "demo"])("%s --help lists its exit codes", async (command) => {
  const { code, stdout } = await muninn(command, "--help");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Exit codes: 0 /m);
});

test("--version prints the version of the package", async () => {
  const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
  expect(await muninn("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});
