import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { program, Workplace } from "../../end-to-end/daemon.js";
import { nodeAt } from "../../end-to-end/nodes.js";
import { leftOut } from "../../left-out.js";
import { missingJournald, OwnJournald } from "./own-journald.js";

/** Runs a command with another `/run`. */
function withRun(run: string): string[] {
  const script = 'mount --bind "$0" /run && exec "$@"';
  return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, run];
}

const journalSection = { logRoot: "", logMode: "JournalMode", logFormat: "ForMachine" };

describe.skipIf(missingJournald)(`the program with JournalMode${leftOut(missingJournald)}`, () => {
  test("collects into the journal and into files, and counts the journal's entries", async () => {
    await using journald = await OwnJournald.open();
    await journald.start();
    await using place = await Workplace.open();
    const files = { logRoot: place.logRoot, logMode: "FileMode", logFormat: "ForMachine" };
    const daemon = await place.start(
      {
        hasPrometheus: { epHost: "127.0.0.1", epPort: 0 },
        logging: [journalSection, files],
      },
      { under: withRun(journald.run) },
    );
    await using node = await nodeAt(place.socket, { name: "relay:1", count: 3_000 });
    await node.finished;
    const metrics = await (await daemon.page("/metrics/self")).text();
    expect(metrics).toContain("muninn_journal_entries_total{sink=");
    await node.stop();
    expect(await daemon.stop()).toBe(0);
    const lines = await place.linesOf("relay_1");
    const entries = await journald.entriesOf("relay_1");
    expect(lines).toHaveLength(3_000);
    expect(entries).toHaveLength(3_000);
    expect(entries.findIndex(({ MESSAGE }, index) => MESSAGE !== lines[index])).toBe(-1);
  });

  test("is refused by check and run in the same words, with its place, if there is no journald", async () => {
    await using place = await Workplace.open();
    await mkdir(place.path("run"));
    const daemon = await place.launch({ logging: [journalSection] }, { under: withRun(place.path("run")) });
    expect(await daemon.exited).toBe(2);
    expect(daemon.stderr).toMatch(
      /^\S+json:1:\d+: logging\[0\]\.logMode: is JournalMode, which needs systemd-journald, [^\n]+$/,
    );
    const check = checked(place.path("config-0.json"), withRun(place.path("run")));
    expect(check.status).toBe(2);
    expect(check.stderr).toContain(`error: ${daemon.stderr}\n`);
  });

  test("gets a warning of the rate limit from check if nothing is missing", async () => {
    await using journald = await OwnJournald.open();
    await journald.start();
    await using place = await Workplace.open();
    const file = place.path("config.yaml");
    const sections = "logging:\n- {logRoot: a, logMode: FileMode, logFormat: ForHuman}\n".concat(
      "- {logRoot: a, logMode: FileMode, logFormat: ForHuman}\n",
      "- logRoot: ''\n  logMode: JournalMode\n  logFormat: ForHuman\n",
    );
    await writeFile(file, `networkMagic: 1\nnetwork: {tag: AcceptAt, contents: a}\n${sections}`);
    const { status, stderr } = checked(file, withRun(journald.run));
    expect(status).toBe(0);
    // The third section of the file, although the second is a copy of the first.
    expect(stderr).toContain(`${file}:7:12: logging[2].logMode: journald silently drops`);
  });
});

test("check and run name a missing library and how to install it", async () => {
  await using place = await Workplace.open();
  // Blocks koffi, as in an installation without optional dependencies.
  const hook = place.path("without-koffi.mjs");
  await writeFile(
    hook,
    `import { register } from "node:module";
     register("data:text/javascript," + encodeURIComponent(\`export async function resolve(name, context, next) {
       if (name === "koffi") throw new Error("Cannot find package 'koffi'");
       return next(name, context);
     }\`));`,
  );
  await writeFile(
    place.path("c.json"),
    JSON.stringify({
      networkMagic: 1,
      network: { tag: "AcceptAt", contents: place.socket },
      logging: [journalSection],
    }),
  );
  for (const command of ["check", "run"]) {
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--import", hook, program, command, "-c", place.path("c.json")],
      { encoding: "utf8" },
    );
    expect([command, status]).toEqual([command, 2]);
    expect(stderr).toMatch(
      /c\.json:1:\d+: logging\[0\]\.logMode: is JournalMode, which needs the library koffi: install it with `npm install --global koffi`/,
    );
  }
});

function checked(file: string, under: readonly string[]) {
  const [command, ...args] = [...under, process.execPath, program, "check", "-c", file];
  return spawnSync(command!, args, { encoding: "utf8" });
}
