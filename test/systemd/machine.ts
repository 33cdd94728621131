import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { expect } from "vitest";
import { eventually } from "../../src/testing/eventually.js";

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
/** Created by make-rootfs.sh. */
const rootfs = join(cache, "muninn", "systemd-bookworm.tar");

/** Why systemd cannot be booted here. */
export const missingMachine =
  process.getuid?.() !== 0
    ? "only root may boot a machine"
    : spawnSync("systemd-nspawn", ["--version"]).status !== 0
      ? "systemd-nspawn is not on PATH (Debian: systemd-container)"
      : existsSync(rootfs)
        ? undefined
        : `${rootfs} is absent (sh test/systemd/make-rootfs.sh makes it)`;

const program = "/usr/local/lib/node_modules/muninn";

/** A small Debian with a real systemd, with this checkout's Muninn installed as docs/operating.md says. */
export class Machine implements AsyncDisposable {
  readonly #directory: string;
  readonly #child: ChildProcess;
  #init = 0;

  private constructor(directory: string, child: ChildProcess) {
    this.#directory = directory;
    this.#child = child;
  }

  /** Boots it with the unit of `config/muninn.service`, not started. */
  static async boot(): Promise<Machine> {
    const directory = await mkdtemp(join(tmpdir(), "muninn-machine-"));
    const root = join(directory, "root");
    await mkdir(root);
    spawnSync("tar", ["-C", root, "-xf", rootfs]);
    spawnSync("systemd-machine-id-setup", ["--root", root]);
    await writeFile(
      join(root, "etc/systemd/system/muninn.service"),
      await readFile("config/muninn.service", "utf8"),
    );
    await mkdir(join(root, program), { recursive: true });
    // As npm installs it: an executable.
    await writeFile(
      join(root, "usr/local/bin/muninn"),
      `#!/bin/sh\nexec /usr/local/bin/node ${program}/dist/bin.cjs "$@"\n`,
      { mode: 0o755 },
    );
    const binds = [`${resolve(".")}:${program}`, `${process.execPath}:/usr/local/bin/node`];
    const child = spawn(
      "systemd-nspawn",
      [
        ...["--quiet", "--boot", "--directory", root, "--private-network", "--register=no", "--keep-unit"],
        ...["--machine", basename(directory).toLowerCase(), ...binds.map((bind) => `--bind-ro=${bind}`)],
      ],
      { stdio: "ignore" },
    );
    const machine = new Machine(directory, child);
    await eventually(async () => {
      const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
      machine.#init = Number(children.trim());
      expect(machine.run("systemctl is-system-running").trim()).toMatch(/^(running|degraded)$/);
    });
    return machine;
  }

  /** The output of a shell command there, on both streams. */
  run(command: string): string {
    const inside = ["--target", `${this.#init}`, "--all", "sh", "-c", `${command} 2>&1`];
    return spawnSync("nsenter", inside, { encoding: "utf8", maxBuffer: 2 ** 30 }).stdout;
  }

  /** A property of Muninn's unit. */
  property(name: string): string {
    return this.run(`systemctl show muninn --property ${name} --value`).trim();
  }

  /** Writes a file there. */
  async write(path: string, text: string): Promise<void> {
    const file = this.outside(path);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, text);
  }

  /** The path of something there as seen from here, sockets included. */
  outside(path: string): string {
    return join("/proc", `${this.#init}`, "root", path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
    clearTimeout(timer);
    await rm(this.#directory, { recursive: true, force: true });
  }
}
