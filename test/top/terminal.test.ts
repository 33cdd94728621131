import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import type { TestTracer } from "../../src/testing/test-tracer.js";
import { freePort, program } from "../end-to-end/daemon.js";
import { nodeWith, tracerWithPage } from "../ui/pages.js";

// The program on a real terminal, which util-linux's `script` provides.

let tracer: TestTracer;
const ends: (() => unknown)[] = [];
beforeEach(async () => {
  tracer = await tracerWithPage({}, { hasPrometheus: { epHost: "127.0.0.1", epPort: 0 } });
  for (const [name, count] of [
    ["node-a", 30],
    ["node-b", 20],
    ["node-c", 10],
  ] as const) {
    const node = await nodeWith(tracer, name, count);
    ends.push(() => node.stop());
  }
  await eventually(async () => expect(await tracer.linesOf("node-a")).toHaveLength(30));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await tracer.stop();
});

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** `muninn top` in 24 rows and 100 columns; the terminal's settings are printed before and after. */
async function topAt(endpoint: string) {
  const top = [process.execPath, program, "top", "--url", `http://${tracer.served.get(endpoint)}`];
  const line = `stty rows 24 cols 100; tty; stty -g; ${top.map(quoted).join(" ")}; echo "code $?"; stty -g`;
  const child = spawn("script", ["-qec", line, "/dev/null"], { env: { ...process.env, TERM: "xterm" } });
  ends.push(() => child.kill("SIGKILL"));
  const shown = { text: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => {
    shown.text += text;
  });
  const ended = once(child, "close");
  const page = () =>
    shown.text
      .slice(shown.text.lastIndexOf("\x1b[H"))
      // biome-ignore lint/suspicious/noControlCharactersInRegex: drawing sequences
      .replace(/\x1b\[[\d;?]*[A-Za-z]/g, "");
  /** The nodes in the order shown. */
  const nodes = () => [...page().matchAll(/^node-[abc]/gm)].map(([node]) => node.at(-1)).join("");
  await eventually(() => expect(nodes()).toHaveLength(3));
  const device = /\/dev\/pts\/\d+/.exec(shown.text)![0];
  return {
    raw: () => shown.text,
    page,
    nodes,
    hit: (keys: string) => child.stdin.write(keys),
    resize: (rows: number, columns: number) =>
      execFileSync("stty", ["-F", device, "rows", `${rows}`, "cols", `${columns}`]),
    pid: () =>
      Number(execFileSync("pgrep", ["-t", device.slice("/dev/".length), "-f", "top --url"]).toString()),
    /** What it left behind: the exit code, and whether the terminal is restored. */
    left: async () => {
      await ended;
      const [before, code, after] = /^([\da-f:]+)\r\n.*code (\d+)\r\n([\da-f:]+)\r\n$/ms
        .exec(shown.text)!
        .slice(1);
      const leavesPage = shown.text.lastIndexOf("\x1b[?1049l") > shown.text.lastIndexOf("\x1b[?1049h");
      const showsCursor = shown.text.lastIndexOf("\x1b[?25h") > shown.text.lastIndexOf("\x1b[?25l");
      return { code: Number(code), isRestored: before === after && leavesPage && showsCursor };
    },
  };
}

describe.each(["ui", "prometheus"])("top of %s", (endpoint) => {
  test("sorts at once by keys, even several at once, and on q quits and restores the terminal", async () => {
    const { nodes, hit, left } = await topAt(endpoint);
    expect(nodes()).toBe("abc");
    hit("n");
    await eventually(() => expect(nodes()).toBe("cba"));
    hit("t");
    await eventually(() => expect(nodes()).toBe("abc"));
    hit("nn");
    await eventually(() => expect(nodes()).toBe("cba"));
    hit("q");
    expect(await left()).toEqual({ code: 0, isRestored: true });
  });
});

test("a page follows the size of the terminal", async () => {
  const { raw, page, resize, hit, left } = await topAt("ui");
  expect(
    Math.max(
      ...page()
        .split("\r\n")
        .map(({ length }) => length),
    ),
  ).toBeGreaterThan(60);
  resize(12, 40);
  await eventually(() => {
    const lines = page().split(/\r+\n/);
    expect(lines.filter(({ length }) => length > 40)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(lines[0]).toMatch(/…$/);
  });
  // On a full line the cursor is on the last character, which clearing the rest would erase.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: clearing sequences
  expect(raw()).not.toMatch(/…\x1b\[(?:K|J|0m\x1b\[K)/);
  hit("q");
  expect((await left()).isRestored).toBe(true);
});

test("Ctrl-C on the keyboard quits and restores the terminal", async () => {
  const { hit, left } = await topAt("ui");
  hit("\x03");
  expect(await left()).toEqual({ code: 0, isRestored: true });
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s ends top and restores the terminal",
  async (signal) => {
    const { pid, left } = await topAt("ui");
    process.kill(pid(), signal);
    const { code, isRestored } = await left();
    expect(isRestored).toBe(true);
    expect(code).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
  },
);

test.each([
  { what: "no terminal and no --once", flags: ["--url", "http://127.0.0.1:1"], code: 2, says: /use --once/ },
  { what: "an address that is none", flags: ["--once", "--url", "127.0.0.1"], code: 2, says: /such as http/ },
  {
    what: "nobody there",
    flags: ["--once", "--url", "http://127.0.0.1:PORT"],
    code: 1,
    says: /ECONNREFUSED/,
  },
])("$what gives one sentence and exit code $code", async ({ flags, code, says }) => {
  const port = String(await freePort("127.0.0.1"));
  const child = spawn(
    process.execPath,
    [program, "top", ...flags.map((flag) => flag.replace("PORT", port))],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (piece) => {
    text += piece;
  });
  expect(await once(child, "close")).toEqual([code, null]);
  expect(text).toMatch(says);
  expect(text.trim().split("\n")).toHaveLength(1);
});

test.each(["ui", "prometheus"])("--once of %s prints plain text, even in a terminal", async (endpoint) => {
  const line = [process.execPath, program, "top", "--once", "--url", `http://${tracer.served.get(endpoint)}`];
  const child = spawn("script", ["-qec", line.map(quoted).join(" "), "/dev/null"]);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece) => {
    text += piece;
  });
  await once(child, "close");
  expect(text).not.toContain("\x1b");
  expect(text).toMatch(/^node-a +connected/m);
});
