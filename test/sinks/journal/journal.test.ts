import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JournalConfig, journalAt } from "../../../src/sinks/journal/journal.js";
import { missingForJournal } from "../../../src/sinks/journal/prerequisite.js";
import type { SinkContext } from "../../../src/sinks/sink-kind.js";
import { DatagramReceiver } from "./datagram-receiver.js";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-journal-"));
});
afterAll(() => rm(directory, { recursive: true }));

const file = { mode: "FileMode", format: "ForMachine" } as const;
const machine = { mode: "JournalMode", format: "ForMachine" } as const;
const human = { mode: "JournalMode", format: "ForHuman" } as const;

function sections(...logging: JournalConfig["logging"]): JournalConfig {
  return { logging };
}

const warnings: string[] = [];
const log = { warning: (event: string, message: string) => warnings.push(`${event}: ${message}`) };
const context = { log } as unknown as SinkContext;

test("without a JournalMode section there is no sink, and no word about the unit's limit", async () => {
  const controlGroup = join(directory, "other-cgroup");
  await writeFile(controlGroup, "0::/system.slice/other.service\n");
  const kind = journalAt({ socketPath: join(directory, "absent"), controlGroup, units: directory });
  expect(await kind.open(sections(file), context)).toEqual([]);
  expect(warnings).toEqual([]);
});

test("a missing or invalid socket is reported in one sentence that says what to do", async () => {
  await writeFile(join(directory, "file"), "");
  for (const name of ["absent", "file"]) {
    const path = join(directory, name);
    expect(await missingForJournal(path)).toBe(
      `is JournalMode, which needs systemd-journald, whose socket ${path} is not here: install systemd, ` +
        "mount the socket into the container, or use FileMode",
    );
  }
});

test("nothing is reported missing if library and socket exist", async () => {
  const path = join(directory, "journal");
  using _ = new DatagramReceiver(path);
  expect(await missingForJournal(path)).toBeUndefined();
});

test("each JournalMode section is a sink with its own name, even two of one format", async () => {
  const kind = journalAt({ socketPath: join(directory, "absent"), controlGroup: "/absent" });
  const sinks = await kind.open(sections(machine, file, human, machine), context);
  expect(sinks.map(({ name }) => name)).toEqual([
    "journal:ForMachine",
    "journal:ForHuman",
    "journal:ForMachine:2",
  ]);
  expect(sinks.map((sink) => sink.health().state)).toEqual(["ok", "ok", "ok"]);
  await Promise.all(sinks.map((sink) => sink.stop({ deadlineMs: 0 })));
});

test("a unit with a rate limit in journald is degraded and reported, with the way to lift it", async () => {
  const controlGroup = join(directory, "cgroup");
  await writeFile(controlGroup, "0::/system.slice/tracer.service\n");
  await symlink("5000", join(directory, "log-rate-limit-burst:tracer.service"));
  const kind = journalAt({ socketPath: join(directory, "absent"), controlGroup, units: directory });
  const [sink] = await kind.open(sections(machine), context);
  expect(sink!.health()).toMatchObject({
    state: "degraded",
    reason: expect.stringContaining("drops what tracer.service sends above about 5000 entries in 30 s"),
    action: expect.stringContaining("LogRateLimitIntervalSec=1s and LogRateLimitBurst=1000000000"),
  });
  expect(warnings).toEqual([expect.stringContaining("journal_rate_limited: journald silently drops")]);
  await sink!.stop({ deadlineMs: 0 });
});
