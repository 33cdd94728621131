import { basename, dirname } from "node:path";
import { settledWithin } from "../base/deadline.js";
import type { Log } from "../daemon/log/log.js";
import { logSeverities } from "../daemon/log/severity.js";
import { machineText } from "../forwarder/library/machine-text.js";
import { type LineForm, type PinoLine, traceOf } from "../pino/line-trace.js";
import { MessageEncoder } from "../protocol/message-encoder.js";
import type { InnerNode } from "./inner-node.js";

/** The name of the node for Muninn's own log. */
export const selfName = "muninn";
/** Most lines that are not safe yet; beyond it lines are left out and counted. */
const most = 1_000;
/** How long a stop waits for them, in milliseconds. */
const stopMs = 500;

const form: LineForm = {
  namespace: "Muninn",
  severities: Object.fromEntries(logSeverities.map((severity) => [severity.toLowerCase(), severity])),
  labels: {},
  messageKey: "msg",
};

export interface SelfTraceOptions {
  readonly log: Pick<Log, "tap">;
  readonly node: Pick<InnerNode, "add" | "stop">;
  readonly host: string;
}

/**
 * Turns the lines of Muninn's own log into trace objects. It cannot feed on itself: lines about its own node are left out, and so
 * are lines that arrive while too many are waiting.
 */
export class SelfTrace {
  readonly #node: SelfTraceOptions["node"];
  readonly #host: string;
  readonly #encoder: MessageEncoder;
  readonly #untap: () => void;
  readonly #pending = new Set<Promise<unknown>>();
  #waiting = 0;
  #leftOut = 0;

  constructor({ log, node, host }: SelfTraceOptions) {
    this.#node = node;
    this.#host = host;
    this.#encoder = new MessageEncoder(host);
    this.#untap = log.tap((line) => this.#take(line));
  }

  /** Accepts no more lines, and waits briefly for those already accepted. Idempotent. */
  async stop(): Promise<void> {
    this.#untap();
    await settledWithin(Promise.all(this.#pending), stopMs);
    await this.#node.stop();
  }

  #take(text: string): void {
    const line = JSON.parse(text) as PinoLine;
    if (isAboutSelf(line)) return;
    if (this.#waiting >= most) {
      this.#leftOut += 1;
      return;
    }
    if (this.#leftOut > 0) {
      const lines = this.#leftOut;
      this.#leftOut = 0;
      this.#add({
        level: "warning",
        event: "self_trace_left_out",
        lines,
        msg: `${lines} lines of this log were left out: too much was waiting to be written`,
      });
    }
    this.#add(line);
  }

  #add(line: PinoLine): void {
    const { namespace, data = {}, severity = "Info", human, at = Date.now() } = traceOf(line, form);
    const event = typeof line.event === "string" ? line.event : "";
    const ns = [namespace, pascalCase(event)].filter((word) => word !== "").join(".");
    const thread = String(process.pid);
    const machine = machineText({ at, namespace: ns, data, severity, thread, host: this.#host });
    const object = this.#encoder.encode({
      human,
      machine,
      namespace: ns,
      severity,
      details: "DNormal",
      at,
      thread,
    });
    this.#waiting += 1;
    const settled = this.#node.add([object]).then(() => {
      this.#waiting -= 1;
      this.#pending.delete(settled);
    });
    this.#pending.add(settled);
  }
}

function isAboutSelf({ node, directory, connection, path }: PinoLine): boolean {
  const isSelf = (value: unknown) =>
    typeof value === "string" && (value === selfName || /^(muninn_)?self-\d+$/.test(value));
  const inDirectory = typeof path === "string" ? basename(dirname(path)) : undefined;
  return [node, directory, connection, inDirectory].some(isSelf);
}

/** `link_listening` → `LinkListening` */
function pascalCase(event: string): string {
  return event.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
