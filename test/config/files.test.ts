import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, type open, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { formatConfig } from "../../src/config/format.js";
import { loadConfig, parseConfig } from "../../src/config/load.js";
import { ConfigError, formatProblem } from "../../src/config/problem.js";
import { readSmallFile } from "../../src/config/small-file.js";
import { base, errorsOf } from "./configurations.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

async function problemsOf(path: string) {
  const error = await loadConfig(path).catch((thrown: unknown) => thrown);
  if (!(error instanceof ConfigError)) throw new Error("no ConfigError", { cause: error });
  return { problems: error.problems, message: error.message };
}

test.each(["tracer.yaml", "tracer.json", "tracer"])("%s is read by its content", async (name) => {
  const { config, warnings } = await loadConfig(await file(name, base));
  expect(config.networkMagic).toBe(764_824_073);
  expect(warnings).toEqual([]);
});

test("a missing file gives an error with its name", async () => {
  const path = join(directory, "none.yaml");
  expect(await problemsOf(path)).toEqual({
    problems: [{ code: "unreadable", message: "cannot be read: no such file" }],
    message: `${path}: cannot be read: no such file`,
  });
});

test("a directory is refused as a configuration", async () => {
  await mkdir(join(directory, "dir"));
  expect((await problemsOf(join(directory, "dir"))).message).toContain("it is a directory");
});

test("a pipe without a writer is refused at once, as a configuration and as help texts", async () => {
  const pipe = join(directory, "pipe");
  execFileSync("mkfifo", [pipe]);
  expect((await problemsOf(pipe)).message).toBe(
    `${pipe}: cannot be read: it is a pipe; must be a regular file`,
  );
  expect((await loadConfig(await file("f", `${base}metricsHelp: ${pipe}`))).config.metricsHelpFault).toBe(
    `${pipe} cannot be read: it is a pipe; must be a regular file`,
  );
});

test.each(["/dev/zero", "/dev/null"])("%s is refused as a configuration", async (device) => {
  expect((await problemsOf(device)).message).toContain("it is a device; must be a regular file");
});

test("a file on a disk that does not answer is given up after 5 s, and not read again until that read ends", async () => {
  vi.useFakeTimers();
  try {
    let answer = (_: Error) => {};
    let opened = 0;
    const hung = (() => {
      opened += 1;
      return new Promise((_, reject) => {
        answer = reject;
      });
    }) as unknown as typeof open;
    const first = readSmallFile("/hung", hung).catch((error: Error) => error.message);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(await Promise.race([first, "waiting"])).toBe("waiting");
    await vi.advanceTimersByTimeAsync(1);
    expect(await first).toBe("cannot be read: no answer for 5 s; check the file system");
    await expect(readSmallFile("/hung", hung)).rejects.toThrow(
      "is not read: the last read of it has not ended; check the file system",
    );
    expect(opened).toBe(1);
    answer(new Error("gone"));
    await vi.advanceTimersByTimeAsync(0);
    await expect(readSmallFile("/hung", async () => Promise.reject(new Error("gone")))).rejects.toThrow(
      "cannot be read: gone",
    );
  } finally {
    vi.useRealTimers();
  }
});

test("at most two hanging files hold threads: a third is not read", async () => {
  vi.useFakeTimers();
  try {
    const answers: ((error: Error) => void)[] = [];
    const hung = (() => new Promise((_, reject) => answers.push(reject))) as unknown as typeof open;
    const both = Promise.allSettled([readSmallFile("/a", hung), readSmallFile("/b", hung)]);
    await vi.advanceTimersByTimeAsync(5_000);
    await both;
    await expect(readSmallFile("/c", hung)).rejects.toThrow(
      "is not read: the last read of /a and /b has not",
    );
    for (const answer of answers) answer(new Error("gone"));
    await vi.advanceTimersByTimeAsync(0);
    await expect(readSmallFile("/c", async () => Promise.reject(new Error("gone")))).rejects.toThrow("gone");
  } finally {
    vi.useRealTimers();
  }
});

test("a file that is not UTF-8 is an error", async () => {
  const path = await file("latin.yaml", Buffer.from([0x61, 0xe9, 0x0a]));
  expect((await problemsOf(path)).problems).toEqual([
    { code: "unreadable", message: "is not text in UTF-8" },
  ]);
});

test("a file as large as a log is not read to its end", async () => {
  const path = await file("log", "");
  await truncate(path, 2 ** 40);
  expect((await problemsOf(path)).problems[0]?.code).toBe("too-large");
});

test("metricsHelp names a file of help texts", async () => {
  const help = await file("help.json", '{"a.b": "what it is"}');
  const { config } = await parseConfig(`${base}metricsHelp: ${help}`, "f");
  expect(config.metricsHelp).toEqual({ "a.b": "what it is" });
  expect(config.metricsHelpFile).toBe(help);
  expect(formatConfig(config)).toContain(`metricsHelp: ${help} # 1 texts`);
});

test.each([
  [
    "that is missing",
    undefined,
    (help: string) => `f:4:14: metricsHelp: ${help} cannot be read: no such file`,
  ],
  [
    "with a wrong text",
    '{"a": "b",\n "c": 1}',
    (help: string) =>
      `f:4:14: metricsHelp: ${help}:2:7: c: is the number 1; must be a string; write numbers in quotes`,
  ],
  [
    "that holds a list",
    "[]",
    (help: string) =>
      `f:4:14: metricsHelp: ${help}:1:1: is an empty list; must be a mapping of metric name to help text`,
  ],
  [
    "with more texts than nodes have metrics",
    JSON.stringify(Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`m${index}`, ""]))),
    (help: string) => `f:4:14: metricsHelp: ${help}:1:1: has 10001 keys; must have at most 10000`,
  ],
  [
    "with a syntax error",
    "{",
    (help: string) => expect.stringMatching(`^f:4:14: metricsHelp: ${help}:1:2: `),
  ],
])("a metricsHelp file %s gives a warning, and the tracer starts without it", async (_, content, fault) => {
  const help = content === undefined ? join(directory, "none") : await file("help.json", content);
  const { config, warnings } = await parseConfig(`${base}metricsHelp: ${help}`, "f");
  expect(warnings.map((problem) => formatProblem("f", problem))).toEqual([fault(help)]);
  expect(warnings[0]?.code).toBe("degraded");
  expect(config.metricsHelp).toEqual({});
  expect(config.metricsHelpFault).toBe(warnings[0]?.message);
});

const certificate = (name: string) =>
  fileURLToPath(new URL(`../http/certificates/${name}.pem`, import.meta.url));

function withTls(files: object, forced = true): string {
  return `${base}hasPrometheus: {epHost: a, epPort: 1, epForceSSL: ${forced}}\ntlsCertificate: ${JSON.stringify(files)}`;
}

const good = { certificateFile: certificate("server"), certificateKeyFile: certificate("server-key") };

test("a certificate with its key and its chain is accepted", async () => {
  const text = withTls({ ...good, certificateChain: [certificate("intermediate")] });
  const { config } = await parseConfig(text, "f");
  expect(config.tlsCertificate).toEqual({ ...good, certificateChain: [certificate("intermediate")] });
});

test.each([
  [
    "a missing certificate",
    { certificateFile: "/none" },
    "certificateFile: /none cannot be read: no such file",
  ],
  [
    "a missing key",
    { certificateKeyFile: "/none" },
    "certificateKeyFile: /none cannot be read: no such file",
  ],
  [
    "a missing chain",
    { certificateChain: ["/none"] },
    "certificateChain[0]: /none cannot be read: no such file",
  ],
  [
    "a key instead of a certificate",
    { certificateFile: certificate("server-key") },
    `certificateFile: ${certificate("server-key")} has no certificate in PEM format that can be used`,
  ],
  [
    "a certificate instead of a key",
    { certificateKeyFile: certificate("server") },
    `certificateKeyFile: ${certificate("server")} has no private key in PEM format that can be used`,
  ],
  [
    "a key in the chain",
    { certificateChain: [certificate("server-key")] },
    `certificateChain[0]: ${certificate("server-key")} has no certificate in PEM format that can be used`,
  ],
  [
    "the key of another certificate",
    { certificateKeyFile: certificate("renewed-key") },
    `certificateKeyFile: ${certificate("renewed-key")} is not the key of ${certificate("server")}`,
  ],
])("%s is refused if TLS is forced, and ignored otherwise", async (_, files, error) => {
  expect(await errorsOf(withTls({ ...good, ...files }))).toEqual([
    expect.stringMatching(/^f:5:\d+: tlsCertificate\./),
  ]);
  expect((await errorsOf(withTls({ ...good, ...files })))[0]).toContain(`tlsCertificate.${error}`);
  expect(await errorsOf(withTls({ ...good, ...files }, false))).toEqual([]);
});
