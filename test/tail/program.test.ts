import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { program } from "../end-to-end/daemon.js";
import { logRoot, machineText, writeLog } from "./logs.js";

const root = logRoot();
const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

function run(args: readonly string[], command: readonly string[] = [process.execPath, program]) {
  const [file = "", ...before] = command;
  const child = spawn(file, [...before, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  running.push(child);
  const output = { out: "", err: "" };
  child.stdout.on("data", (data) => {
    output.out += data;
  });
  child.stderr.on("data", (data) => {
    output.err += data;
  });
  const ended = once(child, "close").then(([code, signal]) => ({ ...output, code: code ?? signal }));
  const until = async (holds: () => boolean) => {
    while (!holds()) await once(child.stdout, "data");
  };
  return { child, output, ended, until };
}

function lines(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => machineText((from + index) * 10, `${from + index}`));
}

test("by default the last ten lines of all nodes are shown, without colours in a pipe", async () => {
  await writeLog(root.path, "a", 0, lines(0, 30));
  const { out, err, code } = await run(["tail", "--dir", root.path]).ended;
  expect({ err, code }).toEqual({ err: "", code: 0 });
  const shown = out.trimEnd().split("\n");
  expect(shown).toHaveLength(10);
  expect(shown[0]).toBe("2026-02-16 09:30:00.200Z Info      a Net.Peer text=20");
});

test.each([
  {
    what: "no place to look in",
    args: [],
    code: 2,
    message: /give one of --dir LOGROOT, -c FILE and --url URL/,
  },
  { what: "two places", args: ["--dir", ".", "--url", "http://a"], code: 2, message: /give one of/ },
  { what: "a missing directory", args: ["--dir", "/nowhere"], code: 2, message: /ENOENT/ },
  {
    what: "an invalid time",
    args: ["--dir", ".", "--since", "soon"],
    code: 2,
    message: /soon is not a time/,
  },
  {
    what: "an invalid severity",
    args: ["--dir", ".", "--severity", "bad"],
    code: 2,
    message: /Debug, Info/,
  },
  { what: "an invalid expression", args: ["--dir", ".", "--grep", "("], code: 2, message: /--grep: / },
  {
    what: "a token without a daemon",
    args: ["--dir", ".", "--token-file", "f"],
    code: 2,
    message: /goes with --url/,
  },
  {
    what: "the past of a daemon",
    args: ["--url", "http://a", "-n", "5"],
    code: 2,
    message: /do not go with --url/,
  },
  {
    what: "an invalid configuration",
    args: ["-c", "/nowhere"],
    code: 2,
    message: /\/nowhere.*no such file/,
  },
  {
    what: "a directory without logs",
    args: ["--dir", "/proc/self/task"],
    code: 1,
    message: /no log files below/,
  },
  {
    what: "a missing daemon",
    args: ["--url", "http://127.0.0.1:1"],
    code: 1,
    message: /ECONNREFUSED/,
  },
])("$what: exit code $code and one sentence", async ({ args, code, message }) => {
  const ended = await run(["tail", ...args]).ended;
  expect(ended).toMatchObject({ code, out: "", err: expect.stringMatching(message) });
  expect(ended.err).not.toContain("    at ");
});

test("several namespaces may be asked for", async () => {
  const of = (ns: string) => machineText(0, ns, { ns });
  await writeLog(root.path, "a", 0, [of("Net.Peer"), of("ChainDB.Add"), of("Mempool")]);
  const args = [
    "tail",
    "--dir",
    root.path,
    "--namespace",
    "Net",
    "--namespace",
    "ChainDB",
    "--format",
    "json",
  ];
  const { out, code } = await run(args).ended;
  expect(code).toBe(0);
  expect(
    out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).ns),
  ).toEqual(["Net.Peer", "ChainDB.Add"]);
});

test("a configuration names the directories, and the one for machines is used", async () => {
  await writeLog(join(root.path, "m"), "a", 0, lines(0, 1));
  const section = (logRoot: string, logFormat: string) => ({ logRoot, logMode: "FileMode", logFormat });
  const file = join(root.path, "tracer.json");
  const logging = [section(join(root.path, "h"), "ForHuman"), section(join(root.path, "m"), "ForMachine")];
  const network = { tag: "AcceptAt", contents: join(root.path, "socket") };
  await writeFile(file, JSON.stringify({ networkMagic: 42, network, logging }));
  expect(await run(["tail", "-c", file]).ended).toMatchObject({
    code: 0,
    err: "",
    out: expect.stringMatching(/text=0\n$/),
  });
});

test("a writer that keeps rotating and deleting is followed without a line lost or doubled", async () => {
  await writeLog(root.path, "a", 0, lines(0, 1));
  const tail = run(["tail", "--dir", root.path, "-f", "--format", "json"]);
  await tail.until(() => tail.output.out.includes("\n"));
  let path = "";
  let before = "";
  let number = 1;
  for (let second = 1; second <= 8; second += 1) {
    if (before !== "") await rm(before);
    before = path;
    path = await writeLog(root.path, "a", second, lines(number, number + 1_000));
    number += 1_000;
    for (let more = 0; more < 10; more += 1) {
      await appendFile(path, `${lines(number, number + 200).join("\n")}\n`);
      number += 200;
    }
    // A file exists for longer than the pause between looks for new ones.
    await tail.until(() => tail.output.out.includes(`"text":"${number - 3_001}"`));
  }
  await tail.until(() => tail.output.out.includes(`"text":"${number - 1}"`));
  tail.child.kill("SIGINT");
  const { out, err, code } = await tail.ended;
  expect({ err, code }).toEqual({ err: "", code: "SIGINT" });
  const texts = out
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { data: { text: string } }).data.text);
  expect(texts).toEqual(Array.from({ length: number }, (_, index) => `${index}`));
}, 60_000);

test("a reader that has seen enough ends tail silently, even while following", async () => {
  const path = await writeLog(root.path, "a", 0, lines(0, 20_000));
  const script = `"${process.execPath}" "${program}" tail --dir "${root.path}" -n 100000; echo code $? >&2`;
  expect(await run(["-c", `{ ${script}; } | head -1`], ["sh"]).ended).toMatchObject({
    err: "code 0\n",
    code: 0,
  });
  const following = run(["tail", "--dir", root.path, "-f"]);
  await following.until(() => following.output.out !== "");
  following.child.stdout?.destroy();
  const writing = (async () => {
    while (following.child.exitCode === null) await appendFile(path, `${lines(0, 10).join("\n")}\n`);
  })();
  expect(await once(following.child, "exit")).toEqual([0, null]);
  await writing;
  expect(following.output.err).toBe("");
}, 30_000);

const hasPython = (() => {
  try {
    execFileSync("python3", ["-c", "import pty"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

/**
 * Runs a command in a terminal of 60 columns, whose process id goes to stderr. After the first bytes nothing is read until a file of
 * that name exists; Ctrl-C is pressed when a text appears.
 */
const inTerminal = `
import fcntl, os, pty, struct, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
os.write(2, b"%d" % pid)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
press = sys.argv[2].encode()
seen = b""
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    seen += data
    os.write(1, data)
    while sys.argv[1] and not os.path.exists(sys.argv[1]):
        time.sleep(0.05)
    if press and press in seen:
        os.write(fd, b"\\x03")
        press = b""
_, status = os.waitpid(pid, 0)
os.write(1, b"\\nsignal %d code %d" % (os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0))
`;

/** What a process has read from files and all else. */
async function bytesReadBy(pid: string): Promise<number> {
  return Number(/^rchar: (\d+)$/m.exec(await readFile(`/proc/${pid}/io`, "utf8"))![1]);
}

describe.skipIf(!hasPython)("on a terminal (python3's pty)", () => {
  function terminal(go: string, press: string, args: readonly string[], env: readonly string[] = []) {
    return run(args, ["env", ...env, "python3", "-c", inTerminal, go, press, process.execPath, program]);
  }

  test.each(["NO_COLOR=1", "TERM=dumb"])(
    "with --wrap and %s a long line is whole and without colours",
    async (env) => {
      await writeLog(root.path, "a", 0, [machineText(0, "long ".repeat(20), { sev: "Error" })]);
      const { out } = await terminal("", "", ["tail", "--dir", root.path, "--wrap"], [env]).ended;
      expect(out).not.toContain("\x1b");
      expect(out.replace(/\s/g, "").match(/long/g)).toHaveLength(20);
    },
    30_000,
  );

  test("lines are coloured and cut to its width, and Ctrl-C ends tail silently", async () => {
    await writeLog(root.path, "a", 0, [machineText(0, "long ".repeat(20), { sev: "Error" })]);
    const { out } = await terminal("", "…", ["tail", "--dir", root.path, "-f"]).ended;
    const [row = "", ...rest] = out.split(/\r?\n/);
    expect(row).toContain("\x1b[31mError");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are removed
    expect(row.replace(/\x1b\[[0-9;]*m/g, "")).toHaveLength(60);
    expect(rest.join("\n")).toMatch(/^(\^C)?\n?\n?signal 2 code 0$/);
  }, 30_000);

  test("a terminal that is not read for a while is told how many lines it missed", async () => {
    const path = await writeLog(root.path, "a", 0, lines(0, 1));
    const go = join(root.path, "go");
    const tail = terminal(go, "text=last", ["tail", "--dir", root.path, "-f", "--wrap"]);
    await tail.until(() => tail.output.out !== "");
    const readBefore = await bytesReadBy(tail.output.err);
    let number = 1;
    let appended = 0;
    for (let round = 0; round < 100; round += 1) {
      const more = `${lines(number, number + 500).join("\n")}\n`;
      await appendFile(path, more);
      number += 500;
      appended += more.length;
    }
    await eventually(async () =>
      expect(await bytesReadBy(tail.output.err)).toBeGreaterThanOrEqual(readBefore + appended),
    );
    await writeFile(go, "");
    await tail.until(() => tail.output.out.includes("missed here"));
    await appendFile(path, `${machineText(0, "last")}\n`);
    number += 1;
    const { out } = await tail.ended;
    const told = [...out.matchAll(/… ([\d,]+) lines? missed here/g)];
    const missed = told.reduce((sum, [, count = ""]) => sum + Number(count.replaceAll(",", "")), 0);
    const shown = out.match(/text=(?:\d+|last)/g)?.length ?? 0;
    expect(missed).toBeGreaterThan(1_000);
    expect(shown + missed).toBe(number);
    expect(out).toMatch(/signal 2 code 0$/);
  }, 60_000);
});
