import { readdir } from "node:fs/promises";
import { basename, dirname } from "node:path";

/** Name of a recording's `part`, from 1: `FILE`, `FILE.2`, `FILE.3` … */
export function partPath(path: string, part: number): string {
  return part === 1 ? path : `${path}.${part}`;
}

/** The existing parts of a recording, in order, each named like `path`. The first ones may have been deleted. */
export async function findParts(path: string): Promise<string[]> {
  const base = basename(path);
  const parts: number[] = [];
  for (const name of await readdir(dirname(path))) {
    if (name === base) parts.push(1);
    else if (name.startsWith(`${base}.`)) {
      const part = name.slice(base.length + 1);
      if (/^[1-9]\d*$/.test(part) && part !== "1") parts.push(Number(part));
    }
  }
  return parts.sort((a, b) => a - b).map((part) => partPath(path, part));
}
