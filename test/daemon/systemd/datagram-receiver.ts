import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const hasPython = spawnSync("python3", ["--version"]).status === 0;
const hasNotify = spawnSync("systemd-notify", ["--version"]).status === 0;

/** Why tests that receive real datagrams cannot run here, if they cannot. */
export const receiverMissing = !hasPython
  ? "python3 is not on PATH"
  : !hasNotify
    ? "systemd-notify is not on PATH (Debian: systemd)"
    : undefined;

/** What a service manager does: receives datagrams, and closes descriptors in them (the barrier of systemd-notify). */
const script = `
import json, os, socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
print(json.dumps("listening"), flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(manager, 65536, 8)
    for fd in fds: os.close(fd)
    print(json.dumps(data.decode()), flush=True)
`;

/** A socket like that of a service manager, and the messages received, barriers left out. */
export class DatagramReceiver {
  readonly path: string;
  readonly messages: string[] = [];
  readonly #directory: string;
  readonly #child: ChildProcess;

  static async open(): Promise<DatagramReceiver> {
    const receiver = new DatagramReceiver(await mkdtemp(join(tmpdir(), "muninn-notify-")));
    await once(receiver.#child.stdout!, "readable");
    return receiver;
  }

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = join(directory, "notify.sock");
    this.#child = spawn("python3", ["-c", script, this.path], { stdio: ["ignore", "pipe", "inherit"] });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      const message = JSON.parse(line).trimEnd();
      if (message !== "listening" && message !== "BARRIER=1") this.messages.push(message);
    });
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await once(this.#child, "close");
    await rm(this.#directory, { recursive: true });
  }
}
