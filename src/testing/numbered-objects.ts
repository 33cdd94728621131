import { encodeTraceObject } from "../protocol/trace-object.js";
import { type TraceTemplate, traceTemplates } from "./trace-templates.js";

/** Digits of a sequence number in a line: `"seq":"000000000042"`. */
const seqDigits = 12;
const seqPlaceholder = "#".repeat(seqDigits);

export interface NumberedObjectsOptions {
  /** The node's name, and the host of its lines. */
  readonly host: string;
  /** Exact bytes of `toMachine`, at least `shortestLineBytes`. @default as long as real lines are */
  readonly size?: number | undefined;
  /** Whether each object has a text for people, with its number. @default those that have one with real nodes */
  readonly human?: boolean | undefined;
}

/** The shortest line that can carry a number and the node's name, in bytes. */
export function shortestLineBytes(host: string): number {
  return Buffer.byteLength(plainLine(host, 0));
}

interface Encoded {
  readonly bytes: Buffer;
  /** Where the number is. */
  readonly seqAt: readonly number[];
}

/**
 * Makes trace objects that each carry their number, as `data.seq` or, in lines too short for the rest, as `seq`, so that
 * files can be checked for losses, doubles and order. They are the kinds of a real node in turn, encoded again each
 * second because they contain the time.
 */
export class NumberedObjects {
  readonly #options: NumberedObjectsOptions;
  #second = Number.NaN;
  #encoded: readonly Encoded[] = [];

  constructor(options: NumberedObjectsOptions) {
    this.#options = options;
  }

  /** The objects `first` … `first + count - 1`, encoded. */
  make(first: number, count: number): Buffer[] {
    this.#refresh();
    const objects = new Array<Buffer>(count);
    for (let index = 0; index < count; index += 1) {
      const seq = first + index;
      const { bytes, seqAt } = this.#encoded[seq % this.#encoded.length]!;
      const object = Buffer.allocUnsafe(bytes.length);
      object.set(bytes);
      for (const at of seqAt) writeDigits(object, at, seq);
      objects[index] = object;
    }
    return objects;
  }

  #refresh(): void {
    const second = Math.floor(Date.now() / 1_000);
    if (second === this.#second) return;
    this.#second = second;
    this.#encoded = traceTemplates.map((template) => this.#encode(template));
  }

  #encode(template: TraceTemplate): Encoded {
    const { namespace, severity, details } = template;
    const object = encodeTraceObject({
      human: this.#humanText(template),
      machine: this.#machineText(template),
      namespace: [namespace],
      severity,
      details,
      timestamp: { seconds: this.#second, picoseconds: 0 },
      host: this.#options.host,
      thread: "31",
    });
    const bytes = Buffer.from(object);
    return { bytes, seqAt: placesOf(seqPlaceholder, bytes) };
  }

  #machineText({ namespace, severity, data }: TraceTemplate): string {
    const { host, size } = this.#options;
    const at = new Date(this.#second * 1_000).toISOString().replace("Z", "000000Z");
    const lineWith = (more: object) =>
      JSON.stringify({
        at,
        ns: namespace,
        data: { ...data, seq: seqPlaceholder, ...more },
        sev: severity,
        thread: "31",
        host,
      });
    if (size === undefined) return lineWith({});
    const room = size - Buffer.byteLength(lineWith({ pad: "" }));
    return room >= 0 ? lineWith({ pad: "x".repeat(room) }) : plainLine(host, size);
  }

  #humanText({ namespace, human }: TraceTemplate): string | undefined {
    return this.#options.human ? `${human ?? namespace} (${seqPlaceholder})` : human;
  }
}

/** A line of `size` bytes, if that is enough for its parts. */
function plainLine(host: string, size: number): string {
  const line = (pad: string) => JSON.stringify({ seq: seqPlaceholder, host, pad });
  return line("x".repeat(Math.max(0, size - Buffer.byteLength(line("")))));
}

function placesOf(text: string, bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + text.length)) places.push(at);
  return places;
}

function writeDigits(bytes: Buffer, at: number, number: number): void {
  let left = number;
  for (let digit = at + seqDigits - 1; digit >= at; digit -= 1) {
    bytes[digit] = 0x30 + (left % 10);
    left = Math.floor(left / 10);
  }
}
