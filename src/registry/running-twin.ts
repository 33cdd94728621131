import { join } from "node:path";
import { systemClock } from "./clock.js";
import { kernelFileSystem } from "./file-system.js";
import type { OtherWriter } from "./handle-registry.js";
import { openDirectory } from "./open-directory.js";
import { OtherTracers } from "./other-tracers.js";
import { claimsDirectory } from "./own-claim-file.js";
import { claimOnIdentity, holderOf, thisMachine } from "./root-claims.js";

/**
 * The tracer that already collects the same below this root, without claiming or removing anything. Undefined also if the
 * root, or the claims in it, do not exist or cannot be read.
 */
export async function runningTwin(root: string, identity: string): Promise<OtherWriter | undefined> {
  const others = new OtherTracers(await thisMachine(), systemClock, { removes: false });
  try {
    const directory = await openDirectory(kernelFileSystem, join(root, claimsDirectory), true);
    try {
      const living = await others.look(directory, systemClock.now(), () => false);
      const holder = holderOf(claimOnIdentity(identity), living);
      return holder && { pid: holder.pid, identity: holder.identity, since: holder.since };
    } finally {
      await kernelFileSystem.close(directory.fd);
    }
  } catch {
    return undefined;
  }
}
