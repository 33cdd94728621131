import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chmod, type FileHandle, lstat, mkdir, open, rename, rmdir, unlink } from "node:fs/promises";
import type { Server } from "node:net";
import { join } from "node:path";
import { encodeBeat, encodeChanges, encodeClaimFile } from "./claim-file.js";
import { listenAsSignOfLife } from "./claim-socket.js";
import type { Clock } from "./clock.js";
import { failedWith, ifThere, kernelFileSystem, refusal } from "./file-system.js";
import { type OpenDirectory, openDirectory, withKnownPath } from "./open-directory.js";
import { claimsOf, removeClaims, socketOf } from "./other-tracers.js";

const { O_WRONLY, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
/** There is nothing, or a link, a directory, a pipe, a socket. */
const nameLeadsElsewhere = ["ENOENT", "ENOTDIR", "ELOOP", "EISDIR", "ENXIO"];
/** The directory of claims in each root; a directory, so that readers that treat every entry as a node's find no logs in it. */
export const claimsDirectory = ".muninn";
/** A claim file is rewritten after this many changes, and twice as many as it had claims. */
const enoughChanges = 1_000;

export interface OwnClaimFileOptions {
  /** The root's real path. */
  readonly root: string;
  readonly identity: string | undefined;
  readonly dirMode: number | undefined;
  /** Whether names can be followed through open directories. */
  readonly canHold: boolean;
  readonly clock: Clock;
  readonly machine: string;
  /** Everything claimed now, for writing the whole file. */
  readonly claims: () => readonly string[];
}

/**
 * This tracer's entries in the directory of claims of one root: a file that says what it claims, and a socket that answers
 * as long as it is alive. Both are named by an id, a new one each time the tracer joins the root.
 */
export class OwnClaimFile {
  readonly #options: OwnClaimFileOptions;
  readonly #path: string;
  /** Every id we ever had. */
  readonly #ids = new Set<string>();
  #joined: { readonly id: string; readonly server: Server | undefined; ino: bigint } | undefined;
  #beats = 0;
  #changes = 0;
  #mostChanges = enoughChanges;
  #isClosed = false;

  constructor(options: OwnClaimFileOptions) {
    this.#options = options;
    this.#path = join(options.root, claimsDirectory);
  }

  /** Undefined while there is none. */
  get id(): string | undefined {
    return this.#joined?.id;
  }

  /** It was removed, and will not be created again. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether an id is, or was, one of ours. */
  isOurs(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Whether the directory that has the root's name now has our file in it. */
  async isThere(): Promise<boolean> {
    if (this.id === undefined) return false;
    return (await ifThere(lstat(join(this.#path, claimsOf(this.id))))) !== undefined;
  }

  /** Whether it is the very file that we wrote, and nothing that somebody put in its place. */
  async isUnchanged(): Promise<boolean> {
    if (this.#joined === undefined) return false;
    const { id, ino } = this.#joined;
    const found = await ifThere(lstat(join(this.#path, claimsOf(id)), { bigint: true }));
    return found?.isFile() === true && found.ino === ino;
  }

  /** Removes the claims for good. */
  async remove(): Promise<void> {
    this.#isClosed = true;
    const { id } = this;
    if (id !== undefined) {
      await this.inside((directory) => removeClaims(directory, id)).catch(() => {});
      // Other tracers' claims may be in it.
      await rmdir(this.#path).catch(() => {});
    }
    this.leave();
  }

  /** Sends a heartbeat; resolves with its time by the file system's clock, if it succeeded. */
  async beat(directory: OpenDirectory): Promise<number | undefined> {
    const { id } = this;
    if (id === undefined) return undefined;
    this.#beats += 1;
    try {
      const file = await this.#open(directory);
      try {
        await file.write(encodeBeat(this.#beats), 0);
        return (await file.stat()).mtimeMs;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (failedWith(error, "ENOENT")) throw error;
      // The disk is full or read-only, or access is denied: the next one may succeed.
      return undefined;
    }
  }

  /** Appends what is claimed, or no longer claimed. */
  async change(sign: "+" | "-", claims: readonly string[]): Promise<void> {
    if (this.#isClosed) return;
    if (this.#joined === undefined) await this.join();
    const { id } = this.#joined!;
    this.#changes += claims.length;
    await this.inside(async (directory) => {
      if (this.#changes > this.#mostChanges) await this.#compact(directory, id);
      const file = await this.#open(directory, O_APPEND);
      try {
        await file.write(encodeChanges(sign, claims));
      } finally {
        await file.close();
      }
    });
  }

  /** Creates directory, socket and file, in this order: a tracer that sees the file can ask the socket. */
  async join(): Promise<void> {
    if (this.#isClosed) return;
    const id = randomBytes(8).toString("hex");
    this.#ids.add(id);
    await this.#makeDirectory();
    await this.inside(async (directory) => {
      const server = await listenAsSignOfLife(directory.at(socketOf(id)));
      try {
        const ino = await this.#write(directory, id, server !== undefined);
        this.#joined = { id, server, ino };
      } catch (error) {
        server?.close();
        await unlink(directory.at(socketOf(id))).catch(() => {});
        throw error;
      }
    });
  }

  /** @throws ENOENT also if something else is in its place, which is left alone */
  async #open(directory: OpenDirectory, flags = 0): Promise<FileHandle> {
    const { id, ino } = this.#joined!;
    const path = directory.at(claimsOf(id));
    const gone = () => refusal("ENOENT", "open", path, "our claims are gone");
    let file: FileHandle;
    try {
      // Non-blocking: a named pipe in its place must not hang us.
      file = await open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | flags);
    } catch (error) {
      throw failedWith(error, ...nameLeadsElsewhere) ? gone() : error;
    }
    const status = await file.stat({ bigint: true });
    if (status.isFile() && status.ino === ino) return file;
    await file.close();
    throw gone();
  }

  async #compact(directory: OpenDirectory, id: string): Promise<void> {
    const { server } = this.#joined!;
    this.#joined!.ino = await this.#write(directory, id, server !== undefined);
    this.#changes = 0;
  }

  /** Writes the whole file, and resolves with its inode; no reader ever sees a part of it. */
  async #write(directory: OpenDirectory, id: string, hasSocket: boolean): Promise<bigint> {
    const { clock, identity, machine } = this.#options;
    const since = new Date(clock.now()).toISOString();
    const holder = { id, machine, pid: process.pid, identity, since, hasSocket };
    const claims = this.#options.claims();
    this.#mostChanges = enoughChanges + 2 * claims.length;
    const prepared = directory.at(`${id}.new`);
    try {
      await using file = await open(prepared, "wx", 0o644);
      await file.writeFile(encodeClaimFile(holder, claims));
      const { ino } = await file.stat({ bigint: true });
      await rename(prepared, directory.at(claimsOf(id)));
      return ino;
    } catch (error) {
      await unlink(prepared).catch(() => {});
      throw error;
    }
  }

  async #makeDirectory(): Promise<void> {
    const { dirMode } = this.#options;
    try {
      await mkdir(this.#path, 0o755);
    } catch (error) {
      if (failedWith(error, "EEXIST")) return;
      throw error;
    }
    if (dirMode !== undefined) await this.inside((directory) => chmod(directory.self, dirMode));
  }

  /** Its socket no longer answers; the file still exists. */
  leave(): void {
    this.#joined?.server?.close();
    this.#joined = undefined;
  }

  /** Calls `work` with the directory of claims, opened once, wherever its name leads meanwhile. */
  async inside<T>(work: (directory: OpenDirectory) => Promise<T>): Promise<T> {
    const directory = await openDirectory(kernelFileSystem, this.#path, this.#options.canHold);
    try {
      return await work(directory);
    } catch (error) {
      throw withKnownPath(error, directory);
    } finally {
      await kernelFileSystem.close(directory.fd);
    }
  }
}
