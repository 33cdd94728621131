import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { openWithEndings } from "../../src/base/endings.js";
import { parseConfig } from "../../src/config/load.js";
import { dropReasons } from "../../src/sinks/drop-reasons.js";
import { openWriting } from "../../src/tracer-writing.js";
import { kindOf, MemorySink } from "../sinks/memory-sinks.js";

test("only sections with files have a root that is created and whose disk is watched, until the end", async () => {
  const directory = await mkdtemp(join(tmpdir(), "muninn-writing-"));
  const [files, journal] = [join(directory, "files"), join(directory, "journal")];
  const text = JSON.stringify({
    networkMagic: 42,
    network: { tag: "AcceptAt", contents: join(directory, "tracer.sock") },
    logging: [
      { logRoot: files, logMode: "FileMode", logFormat: "ForMachine" },
      { logRoot: journal, logMode: "JournalMode", logFormat: "ForMachine" },
    ],
  });
  const { config } = await parseConfig(text, join(directory, "config.json"));
  const registry = { identity: "a test" };
  const sink = new MemorySink();
  const log = { notice: () => {}, warning: () => {} } as never;
  const { writing, end } = await openWithEndings(async (endings) => ({
    writing: await openWriting(config, { log, version: "1", sinkKinds: [kindOf(sink)], registry }, endings),
    end: endings.end,
  }));
  expect(writing.roots).toEqual([files]);
  expect(writing.disks.map(({ path }) => path)).toEqual([files]);
  expect([existsSync(files), existsSync(journal)]).toEqual([true, false]);
  const faults = [{ root: files, code: "undeletable", error: new Error("no") }] as const;
  vi.spyOn(writing.registry, "expiryFaults").mockReturnValue(faults);
  expect(writing.watched.retention()).toBe(faults);
  expect(writing.measured({} as never, {} as never).dropReasons).toEqual(Object.keys(dropReasons));
  const stops = [writing.process, ...writing.disks].map((part) => vi.spyOn(part, "stop"));
  await end();
  for (const stop of stops) expect(stop).toHaveBeenCalled();
  expect(sink.stops).toBe(1);
  await rm(directory, { recursive: true });
});
