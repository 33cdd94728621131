import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";
import type { TestContext } from "vitest";

const run = promisify(execFile);

/** A separate file system in memory, as large as a test wants. */
export class SmallDisk implements AsyncDisposable {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Mounts it on a new directory; skips the test if that is not allowed. `size` is as in tmpfs(5): `2m`. */
  static async mount(context: TestContext, path: string, size: string): Promise<SmallDisk> {
    await mkdir(path);
    try {
      await run("mount", ["-t", "tmpfs", "-o", `size=${size}`, "muninn-test", path]);
    } catch (error) {
      context.skip(`no tmpfs can be mounted here: ${error}`);
    }
    return new SmallDisk(path);
  }

  /** Makes it read-only, or writable again. Fails while a file on it is open for writing. */
  async remount(how: "ro" | "rw"): Promise<void> {
    await run("mount", ["-o", `remount,${how}`, this.#path]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", ["-l", this.#path]);
  }
}
