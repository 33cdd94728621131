import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { numbersIn } from "../end-to-end/arrival.js";
import { program, Workplace } from "../end-to-end/daemon.js";
import type { Attack, Target } from "./attack.js";

/** What an attack did to the program, seen from outside. */
export interface Figures {
  readonly seconds: number;
  /** The longest time without a health answer, and the processor time that the event loop used in it. */
  readonly blockMs: number;
  readonly blockCpuMs: number;
  /** The maximum memory of the process. */
  readonly peakMiB: number;
  readonly logBytes: number;
  readonly logLines: number;
  /** The share of its rate that the healthy node could send; undefined without a healthy node. */
  readonly healthyShare: number | undefined;
  /** Faults in its lines. */
  readonly healthyLines: "complete and in order" | string;
  readonly exit: number | NodeJS.Signals;
  /** The program's own metrics during the attack, at intervals, and afterwards. */
  readonly own: readonly string[];
  readonly events: ReadonlySet<string>;
}

/** Objects per second of the healthy node. */
const healthyRate = 500;
const healthyName = "healthy";
/** How long the program may take to recover; it is watched until then. */
const restMs = 500;

/** How often the program's own metrics are read. */
const readingMs = 1_000;

/** Runs an attack against the built program, next to a well-behaved node. */
export async function underAttack(attack: Attack, size: Target["size"]): Promise<Figures> {
  await using place = await Workplace.open();
  const cleanUp = attack.prepare?.(place);
  try {
    return await attacked(attack, size, place);
  } finally {
    await place.stop();
    cleanUp?.();
  }
}

async function attacked(attack: Attack, size: Target["size"], place: Workplace): Promise<Figures> {
  const { muninn, ...config } = attack.config ?? {};
  const any = { epHost: "127.0.0.1", epPort: 0 };
  const daemon = await place.start(
    {
      hasPrometheus: any,
      hasEKG: any,
      ...config,
      muninn: { health: { host: "127.0.0.1", port: 0 }, ...(muninn as object) },
    },
    attack.under === undefined ? {} : { under: attack.under },
  );
  const { served } = (await daemon.logged("started")) as unknown as { served: Record<string, string> };
  const probe = await startProbe(daemon.pid, served.health!);
  const healthy = attack.withoutHealthyNode ? undefined : new HealthyNode(place.socket);
  let reading: NodeJS.Timeout | undefined;
  try {
    if (healthy !== undefined) await daemon.logged("node_connected", ({ node }) => node === healthyName);
    healthy?.begin();
    await pause(restMs);
    probe.send("begin");
    const begun = performance.now();
    const own: string[] = [];
    const readOwn = async () => {
      // If an attack takes all places of the endpoint, no metrics can be read meanwhile.
      const page = await fetch(`http://${served.prometheus}/metrics/self`).catch(() => undefined);
      if (page?.ok) own.push(await page.text());
    };
    reading = setInterval(() => void readOwn(), readingMs);
    const target: Target = {
      daemon,
      place,
      socket: place.socket,
      prometheus: served.prometheus!,
      ekg: served.ekg!,
      size,
      pick: (small, whole) => (size === "small" ? small : whole),
    };
    await within(size === "small" ? 180_000 : 500_000, attack.run(target), () =>
      daemon.log.slice(-5).map((line) => JSON.stringify(line).slice(0, 500)),
    );
    clearInterval(reading);
    await pause(restMs);
    const seconds = (performance.now() - begun) / 1_000;
    const seen = await endProbe(probe);
    await readOwn();
    const sent = await healthy?.end();
    const exit = await daemon.stop();
    const lines = sent === undefined ? [] : await place.linesOf(healthyName);
    return {
      seconds,
      blockMs: seen.blockMs,
      blockCpuMs: seen.blockCpuMs,
      peakMiB: seen.peakKiB / 1_024,
      logBytes: daemon.log.reduce((sum, line) => sum + JSON.stringify(line).length + 1, 0),
      logLines: daemon.log.length,
      healthyShare: sent?.share,
      healthyLines: sent === undefined ? "complete and in order" : judged(numbersIn(lines), sent.objects),
      exit,
      own,
      events: new Set(daemon.log.map(({ event }) => event ?? "")),
    };
  } finally {
    clearInterval(reading);
    probe.kill();
    healthy?.kill();
  }
}

/** Fails if an attack waits for something that does not happen, with the last lines of the log. */
async function within(
  milliseconds: number,
  attack: Promise<void>,
  last: () => readonly string[],
): Promise<void> {
  const over = new AbortController();
  const deadline = pause(milliseconds, undefined, { signal: over.signal }).then(
    () => {
      throw new Error(`not over after ${milliseconds} ms; the log's last lines: ${last().join("\n")}`);
    },
    () => {},
  );
  await Promise.race([attack, deadline]);
  over.abort();
}

interface Seen {
  readonly blockMs: number;
  readonly blockCpuMs: number;
  readonly peakKiB: number;
}

async function startProbe(pid: number, address: string): Promise<ChildProcess> {
  const [host, port] = address.split(":");
  const file = fileURLToPath(new URL("health-probe.mjs", import.meta.url));
  const probe = fork(file, [`${pid}`, host!, port!], { execArgv: [] });
  await once(probe, "message");
  return probe;
}

async function endProbe(probe: ChildProcess): Promise<Seen> {
  const told = once(probe, "message");
  probe.send("stop");
  const [seen] = (await told) as [Seen];
  return seen;
}

/** `muninn simulate` as a separate process, so that the attackers' use of the processor is not the program's. */
class HealthyNode {
  readonly #child: ChildProcess;
  readonly #report: Promise<string>;
  #begun = 0;

  constructor(socket: string) {
    const flags = [
      "simulate",
      "--connect",
      socket,
      "--name",
      healthyName,
      "--rate",
      `${healthyRate}`,
      "--json",
    ];
    this.#child = spawn(process.execPath, [program, ...flags], { stdio: ["ignore", "pipe", "ignore"] });
    this.#report = text(this.#child.stdout!);
  }

  /** It is connected. */
  begin(): void {
    this.#begun = performance.now();
  }

  async end(): Promise<{ objects: number; share: number }> {
    const seconds = (performance.now() - this.#begun) / 1_000;
    this.#child.kill("SIGINT");
    const { total } = JSON.parse(await this.#report) as { total: { objectsSent: number } };
    return { objects: total.objectsSent, share: total.objectsSent / (healthyRate * seconds) };
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

function judged(numbers: readonly number[], sent: number): Figures["healthyLines"] {
  const wrong = numbers.findIndex((number, index) => number !== index);
  if (wrong !== -1) return `line ${wrong} has number ${numbers[wrong]}`;
  return numbers.length === sent ? "complete and in order" : `${numbers.length} lines of ${sent}`;
}
