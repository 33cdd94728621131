import { settledWithin } from "../base/deadline.js";
import { changedFields, reloaded } from "../config/changes.js";
import type { Config } from "../config/config.js";
import { RefusedConfig, rereadConfig } from "../config/reread.js";
import type { Tracer } from "../tracer.js";
import type { Log } from "./log/log.js";
import type { LogSeverity } from "./log/severity.js";

/** How long a reload waits for log files to be closed, in milliseconds. */
const reopenPatienceMs = 1_000;

/** The parts of a tracer that can change while it runs. */
export type Reloadable = Pick<Tracer, "registry" | "reload">;

export interface ReloadOptions {
  /** The configuration file. */
  readonly file: string;
  /** What the tracer was started with. */
  readonly running: Config;
  readonly log: Log;
  /** `--min-log-severity`; wins over the file. */
  readonly minLogSeverity: LogSeverity | undefined;
}

/** What SIGHUP does: reopens log files, and applies the parts of the configuration that can change while it runs. */
export class Reload {
  readonly #options: ReloadOptions;
  #running: Config;
  #fault: string | undefined;

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#running = options.running;
  }

  /** Why the last reload could not use the file. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Never rejects: a file that cannot be used changes nothing, and the log and health say why. */
  async run(tracer: Reloadable): Promise<void> {
    const { log } = this.#options;
    // Done even if the configuration is bad, because external log rotation relies on it. A disk that hangs delays nothing else.
    const reopened = tracer.registry.reopen();
    try {
      await this.#apply(tracer);
      this.#fault = undefined;
    } catch (err) {
      this.#fault = (err as Error).message;
      // The message says what is wrong. The list of all problems may be megabytes, too long for one line of a log.
      const facts = err instanceof RefusedConfig ? { problems: err.problems } : { err };
      log.error(
        "reload_failed",
        `log files are reopened, everything else is unchanged: ${this.#fault}`,
        facts,
      );
    }
    // A disk that hangs delays closing; the operator should not have to wait for that to learn that the rest is done.
    await settledWithin(reopened, reopenPatienceMs);
  }

  async #apply(tracer: Reloadable): Promise<void> {
    const { file, log, minLogSeverity } = this.#options;
    // The file is not refused for what this machine lacks, such as a journald that is briefly down.
    const { config: loaded, warnings } = await rereadConfig(file);
    for (const line of warnings) log.warning("config_warning", line);
    const config = reloaded(this.#running, loaded);
    await tracer.reload(config);
    log.show({ minSeverity: minLogSeverity, verbosity: config.verbosity });
    const fields = changedFields(this.#running, config);
    const waiting = changedFields(config, loaded);
    this.#running = config;
    const changes = fields.length === 0 ? "" : `; changed: ${fields.join(", ")}`;
    log.notice("reloaded", `log files and certificates are reopened${changes}`, { fields });
    if (waiting.length > 0) {
      log.warning("restart_needed", `changes of ${waiting.join(", ")} need a restart`, { fields: waiting });
    }
  }
}
