import { type Check, type Finding, ok } from "./check.js";
import type { DiskSpace } from "./disk-space.js";

/** Free space below this part of the disk and below this many bytes is reported. */
const littlePart = 0.05;
const littleBytes = 2 * 1024 ** 3;
const fewFiles = 1_000;
/** A disk that does not report its free space within this time, in milliseconds, does not write either. */
const patienceMs = 2_000;

/** Checks the free space below a `logRoot`. Only a disk that is full, or does not answer, is failing. */
export function diskCheck(disk: DiskSpace): Check {
  return { name: `disk:${disk.path}`, pages: "ready", find: () => find(disk) };
}

function find({ reading, error, waitingMs, path }: DiskSpace): Finding {
  if (waitingMs >= patienceMs) {
    return {
      state: "failing",
      reason: `the file system of ${path} has not answered for ${Math.floor(waitingMs / 1_000)} s`,
      action: "Check the disk or the network mount. Nothing is lost: writing continues when it answers.",
    };
  }
  if (error !== undefined) {
    return {
      state: "degraded",
      reason: `the free space below ${path} is unknown: ${error.message}`,
      action: "Create the directory again, or give Muninn permission to read it.",
    };
  }
  if (reading === undefined) return ok;
  const { availableBytes, availableFiles, sizeBytes } = reading;
  if (availableBytes === 0) {
    return { state: "failing", reason: `no space is left below ${path}`, action: freeSpace };
  }
  if (availableBytes < Math.min(littlePart * sizeBytes, littleBytes)) {
    const part = ((100 * availableBytes) / sizeBytes).toFixed(1);
    const reason = `${availableBytes} bytes (${part} %) are left below ${path}`;
    return { state: "degraded", reason, action: freeSpace };
  }
  if (availableFiles !== undefined && availableFiles < fewFiles) {
    const files = availableFiles === 0 ? "no more files" : `only ${availableFiles} more files`;
    const reason = `${files} can be created below ${path}`;
    return { state: "degraded", reason, action: "Delete files, or use a file system with more inodes." };
  }
  return ok;
}

const freeSpace =
  "Free some space, or keep less: rotation.rpKeepFilesNum, rpMaxAgeHours. Nothing is lost: writing is retried.";
