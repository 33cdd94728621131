import { randomUUID } from "node:crypto";
import { readFile, readlink, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failedWith, ifThere } from "./file-system.js";
import { RegistryError } from "./registry-fault.js";

/** In each root, as long as a registry writes below it. */
const lockName = ".muninn.lock";

/** Who holds a lock: a process, whatever machine restarts, containers and reused process ids come in between. */
interface Holder {
  /** `/proc/sys/kernel/random/boot_id` */
  readonly bootId: string;
  /** `/proc/self/ns/pid`: within which `pid` means something. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** In clock ticks after boot, field 22 of `/proc/PID/stat`. */
  readonly startTime: string;
  /** Tells several registries of one process apart. */
  readonly registry: string;
}

/** The right to write below a root: two registries would mix their lines. */
export interface RootLock {
  /** Takes the lock anew after the root was made again. @throws RegistryError `root-locked` */
  takeAgain(): Promise<void>;
  /** Removes the lock where it is still ours. */
  release(): Promise<void>;
}

/** Takes the lock of `root`; that of a process that is gone is taken over. @throws RegistryError `root-locked` */
export async function lockRoot(root: string): Promise<RootLock> {
  const us = await ourselves();
  const path = join(root, lockName);
  const take = async () => {
    while (!(await tryTake(root, us)));
  };
  let taking: Promise<void> | undefined;
  await take();
  return {
    takeAgain: async () => {
      taking ??= take().finally(() => {
        taking = undefined;
      });
      await taking;
    },
    release: async () => {
      if ((await holderOf(path))?.registry === us.registry) await ifThere(unlink(path));
    },
  };
}

/**
 * A lock is prepared under another name, whose exclusive creation lets one at a time in, and renamed into place. So
 * it is never without content, and of two that find the same stale lock one is refused. False: try again.
 */
async function tryTake(root: string, us: Holder): Promise<boolean> {
  const path = join(root, lockName);
  const prepared = `${path}.new`;
  try {
    await writeFile(prepared, `${JSON.stringify(us)}\n`, { flag: "wx" });
  } catch (error) {
    if (!failedWith(error, "EEXIST")) throw error;
    await refuseWhileAlive(root, await holderOf(prepared), us);
    await ifThere(unlink(prepared));
    return false;
  }
  try {
    await refuseWhileAlive(root, await holderOf(path), us);
    await ifThere(rename(prepared, path));
  } catch (error) {
    await ifThere(unlink(prepared));
    throw error;
  }
  return (await holderOf(path))?.registry === us.registry;
}

async function refuseWhileAlive(root: string, holder: Holder | undefined, us: Holder): Promise<void> {
  if (holder === undefined || holder.registry === us.registry) return;
  if (holder.bootId !== us.bootId) return;
  const isAlive =
    holder.pidNamespace !== us.pidNamespace || (await startTimeOf(holder.pid)) === holder.startTime;
  if (isAlive) throw locked(root, holder.pid);
}

function locked(root: string, pid: number): RegistryError {
  return new RegistryError({ code: "root-locked", root, lockFile: join(root, lockName), pid });
}

/** Undefined where there is no lock, or what a power failure left of one. */
async function holderOf(path: string): Promise<Holder | undefined> {
  const text = await ifThere(readFile(path, "utf8"));
  if (text === undefined) return undefined;
  try {
    const holder: Partial<Holder> | null = JSON.parse(text);
    const { bootId, pidNamespace, pid, startTime, registry } = holder ?? {};
    if (!bootId || !pidNamespace || !pid || !startTime || !registry) return undefined;
    return { bootId, pidNamespace, pid, startTime, registry };
  } catch {
    return undefined;
  }
}

async function ourselves(): Promise<Holder> {
  return {
    bootId: (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim(),
    pidNamespace: await readlink("/proc/self/ns/pid"),
    pid: process.pid,
    startTime: (await startTimeOf(process.pid))!,
    registry: randomUUID(),
  };
}

/** When a process began; undefined where there is none of this number, or only what is left of one (a zombie). */
async function startTimeOf(pid: number): Promise<string | undefined> {
  // ESRCH, too, means that it is gone: since it was opened.
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => undefined);
  if (stat === undefined) return undefined;
  // The second field is the program's name in brackets and may hold anything, spaces and brackets too.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}
