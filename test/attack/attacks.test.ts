import { afterAll, describe, expect, test } from "vitest";
import { type Attack, usualBounds } from "./attack.js";
import { answers } from "./kinds/answers.js";
import { bytes } from "./kinds/bytes.js";
import { connections } from "./kinds/connections.js";
import { disks } from "./kinds/disks.js";
import { downstreams } from "./kinds/downstreams.js";
import { files } from "./kinds/files.js";
import { http } from "./kinds/http.js";
import { links } from "./kinds/links.js";
import { metrics } from "./kinds/metrics.js";
import { names } from "./kinds/names.js";
import { otlp } from "./kinds/otlp.js";
import { otlpConnections } from "./kinds/otlp-connections.js";
import { reloads } from "./kinds/reloads.js";
import { requests } from "./kinds/requests.js";
import { servers } from "./kinds/servers.js";
import { timeseries } from "./kinds/timeseries.js";
import { together } from "./kinds/together.js";
import { viewers } from "./kinds/viewers.js";
import { type Figures, underAttack } from "./under-attack.js";

/** `npm run attack`; in CI the same attacks with fewer peers and bytes. */
const size = process.env.MUNINN_ATTACK === "whole" ? "whole" : "small";

/** With as many peers as there may be at once, some attacks take more than the usual 100 ms on a busy machine; never more than this. */
const mostOf = { small: {}, whole: { blockCpuMs: 200 } };

const kinds: readonly (readonly [string, readonly Attack[]])[] = [
  ["bytes", bytes],
  ["names", names],
  ["metrics", metrics],
  ["answers", answers],
  ["connections", connections],
  ["links", links],
  ["HTTP", http],
  ["requests", requests],
  ["viewers", viewers],
  ["timeseries", timeseries],
  ["downstreams", downstreams],
  ["servers", servers],
  ["OTLP", otlp],
  ["connections of OTLP", otlpConnections],
  ["files", files],
  ["disks", disks],
  ["reloads", reloads],
  ["together", together],
];

const rows: string[] = [];
afterAll(() => console.log(rows.join("\n")));

describe.each(kinds)("%s", (_, all) => {
  const attacks = all.filter(({ onlyWhole = false }) => size === "whole" || !onlyWhole);
  test.each(attacks.map((attack) => [attack.name, attack] as const))(
    "Muninn withstands %s",
    { timeout: 600_000 },
    async (name, attack) => {
      const figures = await underAttack(attack, size);
      rows.push(row(name, figures));
      const bounds = { ...usualBounds, ...mostOf[size], ...attack.bounds };
      expect(figures.exit).toBe(attack.exit ?? 0);
      expect(figures.healthyLines).toBe("complete and in order");
      expect.soft(figures.blockCpuMs).toBeLessThan(bounds.blockCpuMs);
      expect.soft(figures.peakMiB).toBeLessThan(bounds.memoryMiB + inFlightMiB(attack));
      expect.soft(figures.logBytes / Math.max(1, figures.seconds / 60)).toBeLessThan(bounds.logBytes);
      expect.soft(figures.healthyShare ?? 1).toBeGreaterThan(bounds.healthyShare);
      for (const series of attack.counted ?? [])
        expect
          .soft(Math.max(...figures.own.map((own) => sumOf(own, series))), `${series}`)
          .toBeGreaterThan(0);
      for (const event of attack.said ?? []) expect.soft(figures.events).toContain(event);
    },
  );
});

function inFlightMiB({ config }: Attack): number {
  const { maxInFlightBytes = "256MiB" } = (config?.muninn ?? {}) as { maxInFlightBytes?: string };
  return Number.parseInt(maxInFlightBytes, 10);
}

/** The sum of all series whose name and labels match. */
function sumOf(exposition: string, series: RegExp): number {
  const lines = exposition.split("\n").filter((line) => !line.startsWith("#") && series.test(line));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

function row(name: string, figures: Figures): string {
  const { blockCpuMs, blockMs, peakMiB, logBytes, logLines, healthyShare = 1, seconds } = figures;
  const columns = [
    `block ${blockCpuMs.toFixed(0)} ms of processor, ${blockMs.toFixed(0)} ms`,
    `peak ${peakMiB.toFixed(0)} MiB`,
    `log ${(logBytes / 1_024).toFixed(0)} KiB in ${logLines} lines`,
    `healthy node ${(100 * healthyShare).toFixed(0)} %`,
    `${seconds.toFixed(1)} s`,
  ];
  return `${name}: ${columns.join(", ")}`;
}
