import { changesTo } from "./config/changes.js";
import type { Config } from "./config/config.js";
import { loadConfig } from "./config/load.js";
import type { DaemonOptions } from "./daemon.js";
import type { Log } from "./log/log.js";
import type { Tracer } from "./tracer.js";

/** What SIGHUP does: log files and certificates are opened anew, and the configuration is taken over as far as it can be. */
export class Reloading {
  readonly #tracer: Tracer;
  readonly #options: DaemonOptions;
  readonly #log: Log;
  #running: Config;
  #last: Promise<void> = Promise.resolve();

  constructor(tracer: Tracer, config: Config, options: DaemonOptions, log: Log) {
    this.#tracer = tracer;
    this.#running = config;
    this.#options = options;
    this.#log = log;
  }

  /** One after the other. Never rejects: what cannot be taken over is said, and what was stays. */
  reload(): Promise<void> {
    this.#last = this.#last.then(async () => {
      try {
        // Before anything can be wrong with the configuration: who moved the files waits for them.
        await this.#tracer.reopen();
        await this.#adopt();
      } catch (err) {
        const reason = err instanceof Error ? err.message : String(err);
        this.#log.error("reload_failed", `the configuration stays as it was: ${reason}`, { err });
      }
    });
    return this.#last;
  }

  async #adopt(): Promise<void> {
    const { config } = await loadConfig(this.#options.config);
    const { adopted, applied, waiting } = changesTo(this.#running, config);
    await this.#tracer.adopt(adopted);
    this.#running = adopted;
    this.#log.setSeverity({ minSeverity: this.#options.minLogSeverity, verbosity: adopted.verbosity });
    const what = ["log files", "certificates", ...applied];
    this.#log.notice("reloaded", `SIGHUP: taken anew: ${what.join(", ")}`, { fields: applied });
    if (waiting.length === 0) return;
    this.#log.warning("restart_needed", `changes of ${waiting.join(", ")} take a restart`, {
      fields: waiting,
    });
  }
}
