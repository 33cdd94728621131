import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LogId } from "../../src/registry/handle-registry.js";
import { openHandleRegistry } from "../../src/registry/open-handle-registry.js";
import { HastyClock } from "./fake-clock.js";
import { errno, interposedFileSystem } from "./interposed-file-system.js";
import {
  eventually,
  fileNames,
  openFiles,
  recordingObserver,
  temporaryDirectory,
  textOf,
} from "./test-registry.js";

const logCount = 5;
const maxOpenFiles = 2;

const log = fc.nat({ max: logCount - 1 });
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant("append" as const), log, lines: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait" as const), turns: fc.integer({ min: 1, max: 20 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("drain" as const), log }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(1, 500, 1_000, 5_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("jump" as const),
      ms: fc.constantFrom(-7_200_000, -1_000, 86_400_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("rotate" as const), log }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("acquire" as const), log }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("release" as const), log }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("rename" as const), log }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), log }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("rename directory" as const), log }) },
);

/** The fate of one call: a write accepts this many bytes, its file is deleted, it fails; undefined: it succeeds. */
const writeFate = fc.option(
  fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constantFrom("ENOSPC", "EIO", "EAGAIN", "deleted")),
  {
    nil: undefined,
    freq: 2,
  },
);
const otherFate = fc.option(fc.constantFrom("EIO", "EMFILE"), { nil: undefined, freq: 8 });

const schedule = fc.record({
  steps: fc.array(step, { minLength: 5, maxLength: 60 }),
  writes: fc.array(writeFate, { maxLength: 40 }),
  others: fc.array(otherFate, { maxLength: 40 }),
  limitBytes: fc.constantFrom(1, 40, 200, 1_000_000),
});

interface Line {
  readonly file: string;
  readonly number: number;
}

/** Every line of a log's files with a name of Muninn's form, in the order of the names; each must be complete. */
function linesIn(directory: string, id: LogId): Line[] {
  const place = { ...id, directory };
  if (!existsSync(join(id.root, directory))) return [];
  return fileNames(place).flatMap((name) => {
    const text = textOf(place, name);
    expect(text === "" || text.endsWith("\n")).toBe(true);
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => {
        const [, ours, number] = /^(\d) (\d+) x*$/.exec(line) ?? [];
        expect({ line, ours }).toEqual({ line, ours: id.directory });
        return { file: `${directory}/${name}`, number: Number(number) };
      });
  });
}

test.each(["os", "disk"] as const)(
  "for any schedule of events, every line is in the files once, whole and in order (durability %s)",
  async (durability) => {
    await fc.assert(
      fc.asyncProperty(schedule, async ({ steps, writes, others, limitBytes }) => {
        const root = temporaryDirectory();
        const clock = new HastyClock();
        const disk = interposedFileSystem();
        let mostOpen = 0;
        const registry = await openHandleRegistry({
          roots: [root],
          rotation: { frequencyMs: 1_000, limitBytes, maxAgeMs: 1e15, keepFiles: 0 },
          maxOpenFiles,
          idleTimeoutMs: 0,
          durability,
          observer: recordingObserver([]),
          clock,
          fileSystem: disk,
          processLimit: 1_000,
        });
        disk.rules.write = async (real, fd, pieces) => {
          const fate = writes.shift();
          if (fate === "deleted") {
            // Whoever was told just before that lines are safe has noted it by then.
            await new Promise(setImmediate);
            remove(readlinkSync(`/proc/self/fd/${fd}`));
          } else if (typeof fate === "string") throw errno(fate);
          return real(fd, typeof fate === "number" ? [Buffer.concat(pieces).subarray(0, fate)] : pieces);
        };
        disk.rules.open = async (real, ...args) => {
          const fate = others.shift();
          if (fate !== undefined) throw errno(fate, "open");
          const fd = await real(...args);
          mostOpen = Math.max(mostOpen, openFiles(root).filter((path) => path.includes("node-")).length);
          return fd;
        };
        disk.rules.lstat = async (real, path) => {
          const fate = others.shift();
          if (fate !== undefined) throw errno(fate, "lstat");
          return real(path);
        };

        const ids = Array.from(
          { length: logCount },
          (_, i): LogId => ({ root, directory: `${i}`, extension: "json" }),
        );
        const counts = ids.map(() => 0);
        const acknowledged = ids.map(() => new Set<number>());
        /** Lines deleted with their file after they were acknowledged. */
        const mayMiss = ids.map(() => new Set<number>());
        const asides = ids.map((): string[] => []);
        /** A file being created while its directory is moved is created in the moved one. */
        const movedDirectories = ids.map((): string[] => []);
        /** Deletes a current file while nothing waits between the check of it and its acknowledgement. */
        const remove = (path: string) => {
          const [directory] = path.slice(root.length + 1).split("/") as [string];
          if (!existsSync(path) || directory === "moved") return;
          for (const n of acknowledged[Number(directory)]!) mayMiss[Number(directory)]!.add(n);
          unlinkSync(path);
        };
        const pending: Promise<unknown>[] = [];
        mkdirSync(join(root, "moved"));

        const currentPath = (i: number) => {
          if (!existsSync(join(root, `${i}`))) return undefined;
          const name = fileNames(ids[i]!).at(-1);
          return name === undefined ? undefined : join(root, `${i}`, name);
        };
        for (const [number, action] of steps.entries()) {
          switch (action.do) {
            case "append": {
              const first = counts[action.log]!;
              counts[action.log] = first + action.lines;
              const numbers = Array.from({ length: action.lines }, (_, i) => first + i);
              const text = numbers.map((n) => `${action.log} ${n} ${"x".repeat(n % 13)}\n`).join("");
              const append = registry.append(ids[action.log]!, Buffer.from(text)).then(() => {
                for (const n of numbers) acknowledged[action.log]!.add(n);
              });
              pending.push(append);
              break;
            }
            case "wait":
              for (let i = 0; i < action.turns; i += 1) await new Promise(setImmediate);
              break;
            case "drain":
              await registry.drained(ids[action.log]!);
              break;
            case "pass":
              clock.advance(action.ms);
              break;
            case "jump":
              clock.jump(action.ms);
              break;
            case "rotate":
              pending.push(registry.rotate(ids[action.log]!));
              break;
            case "reopen":
              await registry.reopen();
              break;
            case "acquire":
            case "release":
              registry[action.do](ids[action.log]!);
              break;
            case "rename": {
              const path = currentPath(action.log);
              if (path === undefined) break;
              const aside = join(root, "moved", `${action.log}-${number}`);
              renameSync(path, aside);
              asides[action.log]!.push(aside);
              break;
            }
            case "delete": {
              await registry.drained(ids[action.log]!);
              const path = currentPath(action.log);
              if (path !== undefined) remove(path);
              break;
            }
            case "rename directory": {
              if (!existsSync(join(root, `${action.log}`))) break;
              const aside = join(root, "moved", `${action.log}-${number}`);
              renameSync(join(root, `${action.log}`), aside);
              movedDirectories[action.log]!.push(aside);
              break;
            }
          }
        }
        await Promise.all(pending);
        expect(registry.stats()).toMatchObject({ unwrittenBytesNow: 0, pinnedNow: 0 });
        expect(mostOpen).toBeLessThanOrEqual(maxOpenFiles);
        expect(registry.faults()).toEqual([]);
        await registry.stop();
        // On this clock the stop's time for closing is over at once as well.
        await eventually(() => openFiles(root).length === 0);
        expect(disk.misused).toEqual([]);
        expect(disk.descriptors.size).toBe(0);

        for (const [i, id] of ids.entries()) {
          const named = linesIn(id.directory, id).map((line) => line.number);
          expect(named).toEqual([...named].sort((a, b) => a - b));
          const moved = movedDirectories[i]!.flatMap((directory) =>
            readdirSync(directory)
              .filter((entry) => entry.startsWith("node-"))
              .map((name) => join(directory, name)),
          );
          const aside = [...asides[i]!, ...moved].map((path) => {
            const text = readFileSync(path, "utf8");
            expect(text === "" || text.endsWith("\n")).toBe(true);
            const numbers = text
              .split("\n")
              .slice(0, -1)
              .map((line) => Number(line.split(" ")[1]));
            expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
            return numbers;
          });
          const all = [...named, ...aside.flat()].sort((a, b) => a - b);
          const expected = Array.from({ length: counts[i]! }, (_, n) => n);
          expect(new Set(all).size).toBe(all.length);
          expect(expected.filter((n) => !all.includes(n) && !mayMiss[i]!.has(n))).toEqual([]);
        }
      }),
      { numRuns: 100 },
    );
  },
  120_000,
);
