import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { Clock } from "../../src/registry/clock.js";
import type { HandleRegistry, LogId } from "../../src/registry/handle-registry.js";
import { openHandleRegistry, type RegistryOptions } from "../../src/registry/open-handle-registry.js";
import type { RegistryObserver } from "../../src/registry/registry-observer.js";
import { FakeClock } from "./fake-clock.js";
import { type InterposedFileSystem, interposedFileSystem } from "./interposed-file-system.js";

/** The second at which the fake clock starts, as in names of files. */
export const startName = "node-2026-02-16T09-30-01.json";

/** The name of a JSON file this many seconds after the start. */
export function nameAfter(seconds: number, extension = "json"): string {
  const time = new Date(Date.parse("2026-02-16T09:30:01Z") + seconds * 1_000).toISOString();
  return `node-${time.slice(0, 19).replaceAll(":", "-")}.${extension}`;
}

/** A directory that is removed after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "muninn-registry-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  return directory;
}

/** Records its events as `[event, ...facts]`. */
export function recordingObserver(events: unknown[][]): RegistryObserver {
  const note =
    (event: string) =>
    (...facts: unknown[]) =>
      void events.push([event, ...facts]);
  return {
    faultBegan: note("faultBegan"),
    faultOver: note("faultOver"),
    rotated: note("rotated"),
    vanished: note("vanished"),
    tornClosed: note("tornClosed"),
    linkBlocked: note("linkBlocked"),
    expired: note("expired"),
    expiryFailed: note("expiryFailed"),
    filesFromFuture: note("filesFromFuture"),
    diskReplaced: note("diskReplaced"),
    claimAwaited: note("claimAwaited"),
    claimsCrowded: note("claimsCrowded"),
    directoriesUnguarded: note("directoriesUnguarded"),
    workingSetTooLarge: note("workingSetTooLarge"),
  };
}

export interface TestRegistry<C extends Clock> {
  readonly root: string;
  readonly registry: HandleRegistry;
  readonly clock: C;
  readonly disk: InterposedFileSystem;
  readonly events: unknown[][];
  /** A log of the first root. */
  log(directory: string, extension?: LogId["extension"]): LogId;
}

export type TestOptions<C extends Clock> = Partial<Omit<RegistryOptions, "clock">> & { readonly clock?: C };

/** A registry below a temporary directory, on a clock that stands still; stopped after the test. */
export async function testRegistry(options?: TestOptions<FakeClock>): Promise<TestRegistry<FakeClock>>;
export async function testRegistry<C extends Clock>(
  options: TestOptions<C> & { clock: C },
): Promise<TestRegistry<C>>;
export async function testRegistry(options: TestOptions<Clock> = {}): Promise<TestRegistry<Clock>> {
  const { roots = [temporaryDirectory()], clock = new FakeClock() } = options;
  const disk = interposedFileSystem();
  const events: unknown[][] = [];
  const registry = await openHandleRegistry({
    maxOpenFiles: 16,
    idleTimeoutMs: 0,
    durability: "os",
    observer: recordingObserver(events),
    fileSystem: disk,
    processLimit: 1_000,
    ...options,
    roots,
    clock,
  });
  disk.calls.length = 0;
  onTestFinished(async () => {
    let isStopped = false;
    const stopped = registry.stop({ deadlineMs: 0 }).then(() => {
      isStopped = true;
    });
    // Whatever the test has done to the disk and to time must not delay the end.
    if (clock instanceof FakeClock) {
      await eventually(() => {
        clock.advance(100);
        return isStopped;
      });
    }
    await stopped;
    expect(disk.misused).toEqual([]);
  });
  const [root] = roots as [string, ...string[]];
  return {
    root,
    registry,
    clock,
    disk,
    events,
    log: (directory, extension = "json") => ({ root, directory, extension }),
  };
}

export function lines(...texts: string[]): Uint8Array {
  return Buffer.from(texts.map((text) => `${text}\n`).join(""));
}

/** Names of the files of a log, sorted. */
export function fileNames({ root, directory, extension }: LogId): string[] {
  return readdirSync(join(root, directory))
    .filter((name) => name.startsWith("node-") && name.endsWith(`.${extension}`))
    .sort();
}

export function textOf({ root, directory }: LogId, name: string): string {
  return readFileSync(join(root, directory, name), "utf8");
}

/** The contents of all files of a log, in the order of their names. */
export function allText(log: LogId): string {
  return fileNames(log)
    .map((name) => textOf(log, name))
    .join("");
}

/** A file from before the start. */
export function leaveFile({ root, directory }: LogId, name: string, text: string): string {
  mkdirSync(join(root, directory), { recursive: true });
  const path = join(root, directory, name);
  writeFileSync(path, text);
  return path;
}

/** Log files below `root` that this process has open, relative to it; directories are open only briefly. */
export function openFiles(root: string): string[] {
  return readdirSync("/proc/self/fd")
    .flatMap((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return [];
      }
    })
    .filter((path) => path.startsWith(`${root}/`) && /\.(json|log)( \(deleted\))?$/.test(path))
    .map((path) => path.slice(root.length + 1))
    .sort();
}

/** Waits until somebody pauses, lets the pause pass, and resolves with its length. */
export async function passPause(clock: FakeClock): Promise<number> {
  await eventually(() => clock.pauses.length > 0);
  const [milliseconds] = clock.pauses as [number];
  clock.advance(milliseconds);
  return milliseconds;
}

/** Whether a promise has settled, either way. */
export function watch(promise: Promise<unknown>): { readonly isSettled: boolean } {
  const state = { isSettled: false };
  const settle = () => {
    state.isSettled = true;
  };
  promise.then(settle, settle);
  return state;
}

/** Lets everything in progress happen: some turns of the loop, with file system calls in between. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 60; turn += 1) await stat(tmpdir());
}

/** Resolves as soon as the condition holds. It is checked repeatedly, for as long as the test may take. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
