/** `degraded` needs attention but still serves; `failing` is answered with 503. */
export type HealthState = "ok" | "degraded" | "failing";

export interface HealthCheck {
  /** What is checked: `listener`, `sink:file:ForMachine:/var/log/muninn`, `disk:/var/log/muninn`. */
  readonly name: string;
  readonly state: HealthState;
  /** When the state began, ISO 8601 in UTC. */
  readonly since: string;
  /** Why it is not `ok`. */
  readonly reason?: string;
  /** What an operator can do about it. */
  readonly action?: string;
  /** Of a sink: when it last stored something safely, and when it last failed; ISO 8601 in UTC. */
  readonly lastSuccess?: string;
  readonly lastFailure?: string;
}

export interface HealthReport {
  /** The worst state of what this report is about. */
  readonly status: HealthState;
  readonly checks: readonly HealthCheck[];
}

/** What the health pages show; answers from what is already known and never waits for a disk or a peer. */
export interface HealthSource {
  /** Whether the process should be left alone; `failing` asks for a restart. */
  live(): HealthReport;
  /** Whether traces are accepted and kept: listeners bound, required sinks not stuck. */
  ready(): HealthReport;
  /** Everything, also what is only `degraded`. */
  report(): HealthReport;
}
