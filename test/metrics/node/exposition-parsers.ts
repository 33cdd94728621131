import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
const python = ["/usr/bin/python3", "python3"].find(
  (program) => spawnSync(program, ["-c", "import prometheus_client.openmetrics.parser"]).status === 0,
);

/** Why tests with promtool cannot run here, if they cannot. */
export const promtoolMissing = hasPromtool ? undefined : "promtool is not on PATH (Debian: prometheus)";

/** Why tests with the reference OpenMetrics parser cannot run here, if they cannot. */
export const openMetricsParserMissing =
  python === undefined ? "no Python with prometheus_client (Debian: python3-prometheus-client)" : undefined;

/** The complaints of `promtool check metrics`, except its lint on names and help; empty: none. */
export async function promtoolErrors(text: string): Promise<string> {
  const { code, output } = await run("promtool", ["check", "metrics"], text);
  // 3: lint only (cmd/promtool/main.go, lintErrExitCode).
  return code === 0 || code === 3 ? "" : output;
}

/** The complaints of Prometheus' own OpenMetrics parser; promtool runs it to import samples, which need a time. */
export async function prometheusOpenMetricsErrors(text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "muninn-openmetrics-"));
  try {
    const timed = text.replace(/^([^#\n].*)$/gm, "$1 1700000000");
    await writeFile(join(directory, "metrics"), timed);
    const { code, output } = await run(
      "promtool",
      ["tsdb", "create-blocks-from", "openmetrics", join(directory, "metrics"), join(directory, "blocks")],
      "",
    );
    return code === 0 ? "" : output;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A family as the reference OpenMetrics parser reads it; samples are name, labels, value. */
export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly (readonly [string, Record<string, string>, string])[];
}

/** The result of the strict parser of prometheus_client for each text: the families, or its complaint. */
export async function parseOpenMetrics(texts: readonly string[]): Promise<(ParsedFamily[] | string)[]> {
  const script = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
def read(text):
    try:
        return [dict(name=f.name, type=f.type, help=f.documentation,
                     samples=[[s.name, s.labels, repr(s.value)] for s in f.samples]) for f in parse(text)]
    except Exception as error:
        return repr(error)
json.dump([read(text) for text in json.loads(sys.stdin.buffer.read().decode())], sys.stdout)
`;
  const { code, output } = await run(
    python!,
    ["-c", script],
    JSON.stringify(texts.map((text) => Buffer.from(text).toString())),
  );
  if (code !== 0) throw new Error(output);
  return JSON.parse(output);
}

function run(
  program: string,
  args: string[],
  input: string,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (output += text));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
    // A parser that gives up early closes its end; its exit code says so.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
