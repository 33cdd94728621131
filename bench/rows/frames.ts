import { setTimeout as pause } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { browserMissing, openChromium, openPage } from "../../test/chromium.js";
import { freePort } from "../harness/free-port.js";
import { nodeName } from "../harness/load-plan.js";
import { arrange, makeRunDirectory } from "../harness/measurement.js";
import type { Finding, Row } from "../harness/row.js";
import { spreadOf, sum } from "../harness/statistics.js";
import { muninn } from "../harness/tracers.js";

const workload = { nodes: 1_000, metrics: 300, objectBytes: 364, requestCount: 10, objectsPerSecond: 10 };
const viewport = { width: 1_280, height: 800 };
/** For the page to be compiled, and to fill. */
const settleMs = 5_000;
const watchedMs = 10_000;
/** Starting a browser, and opening and closing a page, at most. */
const mostOtherMs = 60_000;

const addresses = {
  overview: "#/",
  "live traces": "#/live",
  "a node": `#/node/${nodeName(0)}`,
} as const;
type View = keyof typeof addresses;
const views = Object.keys(addresses) as View[];

/** What a page did, in each second of that time. */
interface Watched {
  readonly frames: number;
  /** Milliseconds in which its main thread was busy, and those of them in its script. */
  readonly busyMs: number;
  readonly scriptMs: number;
  /** Objects that the daemon sent to the page. */
  readonly objects: number;
}

/** Whether the page stays smooth while much goes on. Chromium draws with the processor here, beside Muninn and the nodes. */
export const frames: Row = {
  name: "frames",
  summary: `the page in Chromium, ${workload.nodes} nodes of ${workload.metrics} metrics that send ${workload.nodes * workload.objectsPerSecond} objects a second`,
  missing: () => browserMissing,
  async run({ runs, scale }) {
    const [uiPort, prometheusPort] = [await freePort(), await freePort()];
    using directory = makeRunDirectory();
    await using arrangement = await arrange(muninn({ uiPort, prometheusPort }), workload, directory.path);
    const turns = runs * views.length;
    const seconds = (turns * (settleMs + watchedMs * scale) + (turns + 1) * mostOtherMs) / 1_000;
    // They send until the end, when they are stopped.
    void arrangement.load
      .give(Math.ceil((seconds * workload.objectsPerSecond) / workload.requestCount))
      .catch(() => {});
    await using browser = await openChromium();
    const seen: Record<View, Watched[]> = { overview: [], "live traces": [], "a node": [] };
    for (let run = 0; run < runs; run += 1) {
      for (const view of views)
        seen[view].push(
          await watch(browser, `http://127.0.0.1:${uiPort}/${addresses[view]}`, {
            forMs: watchedMs * scale,
            objects: () => objectsSent(prometheusPort),
          }),
        );
    }
    return { findings: views.flatMap((view) => findingsOf(view, seen[view])), figures: [] };
  },
};

function findingsOf(view: View, seen: readonly Watched[]): Finding[] {
  const spread = (figure: keyof Watched) => spreadOf(seen.map((watched) => watched[figure]));
  return [
    { what: `${view}: frames a second`, value: spread("frames"), target: { atLeast: 50 } },
    { what: `${view}: main thread busy, in each second`, unit: "ms", value: spread("busyMs") },
    { what: `${view}: in script, in each second`, unit: "ms", value: spread("scriptMs") },
    ...(view === "live traces"
      ? [{ what: `${view}: objects shown a second`, value: spread("objects") }]
      : []),
  ];
}

interface Watching {
  readonly forMs: number;
  /** How many objects the daemon has sent to pages so far. */
  readonly objects: () => Promise<number>;
}

async function watch(browser: Browser, url: string, { forMs, objects }: Watching): Promise<Watched> {
  const { page, context } = await openPage(browser, url, { viewport });
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable");
  const durations = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    const ms = (name: string) => 1_000 * metrics.find((metric) => metric.name === name)!.value;
    return { busyMs: ms("TaskDuration"), scriptMs: ms("ScriptDuration") };
  };
  await pause(settleMs);
  const [before, objectsBefore] = [await durations(), await objects()];
  const { count, tookMs } = await framesOf(page, forMs);
  const [after, objectsAfter] = [await durations(), await objects()];
  await context.close();
  const seconds = tookMs / 1_000;
  return {
    frames: count / seconds,
    busyMs: (after.busyMs - before.busyMs) / seconds,
    scriptMs: (after.scriptMs - before.scriptMs) / seconds,
    objects: (objectsAfter - objectsBefore) / seconds,
  };
}

/** Counts frames for a time; a text, because this is compiled without the browser's types. */
function framesOf(page: Page, forMs: number): Promise<{ count: number; tookMs: number }> {
  return page.evaluate(`new Promise((resolve) => {
    let begunAt;
    let count = -1;
    const frame = (now) => {
      begunAt ??= now;
      count += 1;
      if (now - begunAt < ${forMs}) requestAnimationFrame(frame);
      else resolve({ count, tookMs: now - begunAt });
    };
    requestAnimationFrame(frame);
  })`);
}

async function objectsSent(prometheusPort: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${prometheusPort}/metrics/self`);
  const samples = (await response.text()).matchAll(
    /^muninn_objects_written_total\{[^}]*sink="live"[^}]*\} (\d+)/gm,
  );
  return sum([...samples].map(([, value]) => Number(value)));
}
