import { spawn } from "node:child_process";

/** A manager that has not accepted a message within this time will not. */
const timeoutMs = 5_000;

/** Sends one datagram of assignments to the service manager. Rejects if it did not arrive. */
export type Notify = (assignments: readonly string[]) => Promise<void>;

/**
 * Sends through the program `systemd-notify`, which comes with systemd. Node has no unix datagram sockets,
 * and a native library to call `sendmsg` would be the daemon's only one.
 */
export const systemdNotify: Notify = (assignments) =>
  new Promise((resolve, reject) => {
    const child = spawn("systemd-notify", assignments, {
      stdio: "ignore",
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`systemd-notify ended with ${signal ?? `exit code ${code}`}`));
    });
  });
