import { settledWithin } from "../../base/deadline.js";
import { NotificationQueue } from "./notification-queue.js";
import { type Notify, systemdNotify } from "./notify-program.js";
import { feedingPauseMs } from "./watchdog.js";

/** How long a stop waits for the last messages. */
const stopGraceMs = 1_000;

export interface ServiceManagerOptions {
  /** Called for the first message that does not arrive after one that did. */
  readonly onUnreachable: (error: Error) => void;
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv;
  /** @default systemdNotify */
  readonly notify?: Notify;
}

/** The service manager that wants the daemon's status: systemd, or none. No call here waits or fails. */
export interface ServiceManager {
  /** It is started, or has reloaded. */
  ready(status: string): void;
  /** A reload begins; `ready` ends it. */
  reloading(): void;
  /** One line for people. */
  status(status: string): void;
  stopping(): void;
  /** Sends nothing more; waits for the last messages, but briefly. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Speaks the protocol of sd_notify(3) if `NOTIFY_SOCKET` is set, and from now on feeds the watchdog, if there is one, as
 * long as the event loop turns. Otherwise nothing is ever spawned.
 */
export function openServiceManager(options: ServiceManagerOptions): ServiceManager {
  const env = options.env ?? process.env;
  if (!env.NOTIFY_SOCKET) return nobody;
  return new Systemd(options, feedingPauseMs(env, process.pid));
}

const nobody: ServiceManager = {
  ready: () => {},
  reloading: () => {},
  status: () => {},
  stopping: () => {},
  stop: async () => {},
};

class Systemd implements ServiceManager {
  readonly #options: ServiceManagerOptions;
  readonly #queue: NotificationQueue;
  readonly #feeding: NodeJS.Timeout | undefined;
  #reachable = true;
  #stopped = false;

  constructor(options: ServiceManagerOptions, feedPauseMs: number | undefined) {
    this.#options = options;
    this.#queue = new NotificationQueue(options.notify ?? systemdNotify, (error) => this.#sent(error));
    if (feedPauseMs === undefined) return;
    this.#feeding = setInterval(() => this.#send("watchdog", "WATCHDOG=1"), feedPauseMs);
    this.#feeding.unref();
  }

  ready(status: string): void {
    this.#send("ready", "READY=1", statusOf(status));
  }

  reloading(): void {
    // CLOCK_MONOTONIC in microseconds, which is what hrtime reads; Type=notify-reload compares it.
    this.#send("reloading", "RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`);
  }

  status(status: string): void {
    this.#send("status", statusOf(status));
  }

  stopping(): void {
    this.#send("stopping", "STOPPING=1", statusOf("stopping"));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#feeding);
    await settledWithin(this.#queue.drained(), stopGraceMs);
  }

  #send(kind: string, ...assignments: string[]): void {
    if (!this.#stopped) this.#queue.push({ kind, assignments });
  }

  #sent(error: unknown): void {
    if (error !== undefined && this.#reachable) this.#options.onUnreachable(error as Error);
    this.#reachable = error === undefined;
  }
}

/** A line feed would start another assignment. */
function statusOf(status: string): string {
  return `STATUS=${status.replace(/\s+/g, " ")}`;
}
