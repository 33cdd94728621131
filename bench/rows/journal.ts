import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Child } from "../harness/child.js";
import { makeRunDirectory } from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { spreadOf } from "../harness/statistics.js";
import type { FloodResult } from "../peers/journal-flood.js";

const journald = "/lib/systemd/systemd-journald";
const flood = fileURLToPath(new URL("../peers/journal-flood.js", import.meta.url));
const entries = 100_000;
const pollMs = 10;

const settings =
  "[Journal]\nStorage=volatile\nRuntimeMaxUse=2G\nRuntimeKeepFree=1M\nReadKMsg=no\nAudit=no\nForwardToWall=no\n";

/** Entries of 250 bytes into a separate real journald, by one JournalMode section. */
export const journal: Row = {
  name: "journal",
  summary: "entries of 250 bytes into a journald run by hand",
  missing: () => {
    if (process.getuid?.() !== 0) return "only root has mount namespaces";
    return existsSync(journald) ? undefined : `${journald} is absent`;
  },
  async run({ runs, scale }) {
    using directory = makeRunDirectory();
    const run = join(directory.path, "run");
    for (const inside of ["systemd/journal", "log/journal", "systemd/journald.conf.d"])
      mkdirSync(join(run, inside), { recursive: true });
    mkdirSync(join(directory.path, "log"));
    writeFileSync(join(run, "systemd/journald.conf.d/bench.conf"), settings);
    const script = `mount --bind "$0/run" /run && mount --bind "$0/log" /var/log && exec ${journald}`;
    await using server = new Child({
      command: "unshare",
      args: ["--mount", "--propagation", "private", "sh", "-c", script, directory.path],
    });
    const socket = join(run, "systemd/journal/socket");
    while (!existsSync(socket)) {
      if (server.process.exitCode !== null) throw new Error(`journald ended: ${server.output}`);
      await pause(pollMs);
    }
    const count = entries * scale;
    await using sender = new Child({
      command: process.execPath,
      args: [flood, socket, `${count}`, `${runs}`],
    });
    await sender.ended;
    const results: { sink: FloodResult; bare: FloodResult }[] = JSON.parse(sender.output);
    return {
      findings: [
        {
          what: "entries a second",
          value: spreadOf(results.map(({ sink }) => count / sink.seconds)),
          target: { atLeast: 40_000 },
        },
        {
          what: "for 100,000 entries",
          unit: "CPU s",
          value: spreadOf(results.map(({ sink }) => (sink.cpuSeconds * entries) / count)),
          target: { atMost: 0.8 },
        },
        {
          what: "CPU ÷ that of entries made in advance",
          value: spreadOf(results.map(({ sink, bare }) => sink.cpuSeconds / bare.cpuSeconds)),
        },
        {
          what: "throughput ÷ that of entries made in advance",
          value: spreadOf(results.map(({ sink, bare }) => bare.seconds / sink.seconds)),
        },
      ],
      figures: [],
    };
  },
};
