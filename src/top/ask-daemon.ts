import type { HealthReport } from "../health/health-report.js";
import type { DaemonAddress } from "../tail/daemon-address.js";
import { TailError } from "../tail/tail-error.js";
import { samplesIn } from "./exposition-text.js";
import { type Counts, type NodeReading, type Reading, readingOf } from "./reading.js";

const timeoutMs = 5_000;
/** Far more bytes than thousands of nodes need. */
const mostBytes = 64 * 1024 * 1024;

/**
 * Asks a running daemon for its state: at the Prometheus port, or at `muninn.ui`, whichever the address is.
 * @throws TailError of code `no-daemon`
 */
export async function askDaemon(address: DaemonAddress): Promise<Reading> {
  const [own, health] = await Promise.all([
    ask(address, "metrics/self", "text/plain"),
    ask(address, "healthz", "application/json"),
  ]);
  if (own.status === 200 && (health.status === 200 || health.status === 503))
    return readingOf(
      samplesIn(own.text),
      parsed<HealthReport>(address, health.text, ["checks"]),
      performance.now(),
    );
  const overview = await ask(address, "api/overview", "application/json");
  if (overview.status === 200)
    return readingOfOverview(
      parsed<Overview>(address, overview.text, ["nodes", "totals"]),
      performance.now(),
    );
  throw refused(address, own.status === 404 ? overview.status : own.status);
}

interface Overview {
  readonly version: string;
  readonly startedAt: number;
  readonly health: HealthReport;
  readonly totals: readonly (Counts & { readonly sink: string })[];
  readonly nodes: readonly {
    readonly name: string;
    readonly isConnected: boolean;
    readonly rate: number;
    readonly total: number;
  }[];
}

function readingOfOverview({ version, startedAt, health, totals, nodes }: Overview, at: number): Reading {
  const sinks = new Map(
    totals.map(({ sink, received, written, dropped }) => [sink, { received, written, dropped }]),
  );
  const rows = nodes.map(
    ({ name, isConnected, rate, total }): NodeReading => ({
      name,
      isConnected,
      rate,
      total,
      sinks: new Map(),
    }),
  );
  return { at, version, startedAt, nodes: rows, sinks, health };
}

async function ask({ base, headers }: DaemonAddress, path: string, accept: string) {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await fetch(new URL(path, base), { headers: { ...headers, accept }, signal });
    return { status: answer.status, text: await textOf(answer) };
  } catch (error) {
    if (error instanceof TailError) throw error;
    const { message, cause } = error as Error;
    throw new TailError("no-daemon", `${base.href}: ${cause instanceof Error ? cause.message : message}`);
  }
}

async function textOf(answer: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of answer.body ?? []) {
    bytes += piece.length;
    if (bytes > mostBytes) throw new TailError("no-daemon", `${answer.url}: answers with more than 64 MiB`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** An answer that has these members; their contents are trusted. */
function parsed<Answer>({ base }: DaemonAddress, text: string, members: readonly (keyof Answer)[]): Answer {
  try {
    const answer = JSON.parse(text) as Answer;
    if (members.every((member) => Array.isArray(answer[member]))) return answer;
  } catch {
    // Reported below.
  }
  throw new TailError("no-daemon", `${base.href}: does not answer as Muninn does`);
}

function refused({ base }: DaemonAddress, status: number): TailError {
  const why =
    status === 401
      ? "asks for a credential (401); give --token-file, or name and password in the address"
      : status === 404
        ? "is neither the Prometheus port nor muninn.ui of a running Muninn (404)"
        : `answers with status ${status}`;
  return new TailError("no-daemon", `${base.href}: ${why}`);
}
