import type { NodeIdentity } from "../../nodes/identity.js";
import type { Severity, TraceBatch } from "../../protocol/trace-batch.js";
import type { DropReason } from "../drop-reasons.js";
import type { ObjectAccount } from "../sink.js";
import type { LiveObject } from "./live-messages.js";

/** Longest text for viewers, in bytes; log files have the whole text. */
export const maxTextBytes = 65_536;

/** One object of a batch for filters and viewers: each part is made once for all of them. */
export class SeenObject {
  readonly node: NodeIdentity;
  readonly #batch: TraceBatch;
  readonly #index: number;
  #namespace: string | undefined;

  constructor(node: NodeIdentity, batch: TraceBatch, index: number) {
    this.node = node;
    this.#batch = batch;
    this.#index = index;
  }

  get severity(): Severity {
    return this.#batch.severity(this.#index);
  }

  get namespace(): string {
    this.#namespace ??= this.#batch.namespace(this.#index);
    return this.#namespace;
  }

  /** UTF-8. */
  get machine(): Buffer {
    return viewOf(this.#batch.machine(this.#index));
  }

  /** UTF-8. */
  get human(): Buffer | undefined {
    const human = this.#batch.human(this.#index);
    return human && viewOf(human);
  }

  get bytes(): number {
    return this.#batch.encoded(this.#index).length;
  }

  toJson(): string {
    const { machine, human } = this;
    const longest = Math.max(machine.length, human?.length ?? 0);
    const shown: LiveObject = {
      node: this.node.name,
      at: isoNanoseconds(this.#batch.timestamp(this.#index)),
      severity: this.severity,
      namespace: this.namespace,
      host: this.#batch.host(this.#index),
      thread: this.#batch.thread(this.#index),
      machine: beginningOf(machine),
      ...(human !== undefined && human.length > 0 && { human: beginningOf(human) }),
      ...(longest > maxTextBytes && { cutFrom: longest }),
    };
    return JSON.stringify(shown);
  }
}

/**
 * An object on its way to one or several viewers. It is settled with the last of them: `written` if it was sent to any,
 * otherwise `dropped` for the reason of the last.
 */
export class ObjectUnderWay {
  readonly json: string;
  readonly #account: ObjectAccount;
  #receivers = 1;
  #wasSent = false;
  #reason: DropReason = "queue-full";

  /** Held by its creator until that has added all receivers, and releases it. */
  constructor(json: string, account: ObjectAccount) {
    this.json = json;
    this.#account = account;
  }

  addReceiver(): void {
    this.#receivers += 1;
  }

  sent(): void {
    this.#wasSent = true;
    this.settle("failed");
  }

  /** One receiver less; `reason` is why it did not get the object. */
  settle(reason: DropReason): void {
    this.#reason = reason;
    this.release();
  }

  /** Its creator adds no more receivers. */
  release(): void {
    this.#receivers -= 1;
    if (this.#receivers > 0) return;
    if (this.#wasSent) this.#account.written(1);
    else this.#account.dropped(this.#reason, 1);
  }
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function beginningOf(text: Buffer): string {
  return text.toString("utf8", 0, Math.min(text.length, maxTextBytes));
}

/** The earliest and latest times that `Date` supports. */
const mostMs = 8.64e15;

function isoNanoseconds(nanoseconds: bigint): string {
  let milliseconds = nanoseconds / 1_000_000n;
  let rest = nanoseconds % 1_000_000n;
  if (rest < 0n) {
    milliseconds -= 1n;
    rest += 1_000_000n;
  }
  const date = new Date(Math.max(-mostMs, Math.min(mostMs, Number(milliseconds))));
  return `${date.toISOString().slice(0, -1)}${rest.toString().padStart(6, "0")}Z`;
}
