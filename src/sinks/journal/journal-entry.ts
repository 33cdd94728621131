import { type Moment, type Severity, severities } from "../../protocol/trace-batch.js";
import { JournalTime } from "./journal-time.js";

// The native protocol of journald (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram is one entry, a run of fields. A
// field is `NAME=value` and a line feed; if the value contains line feeds it is `NAME`, a line feed, the length in
// 64 bits, little endian, the value, a line feed.

/** One trace object in the journal: exactly the six fields that cardano-tracer writes. */
export interface JournalEntry {
  /** From `entryHead`; the same for all entries of a node. */
  readonly head: Uint8Array;
  /** UTF-8, any text. */
  readonly message: Uint8Array;
  readonly severity: Severity;
  /** Dotted; may be empty. */
  readonly namespace: string;
  /** As the node sent it. */
  readonly thread: string;
  readonly time: Moment;
}

const lineFeed = 0x0a;
const equals = 0x3d;
/** An upper bound for the names of all fields, the separators, and the time. */
const fixedBytes = 200;
/** Most bytes of UTF-8 for one UTF-16 unit. */
const bytesPerUnit = 3;

/** The beginning of all entries of a node: the field with the node's name, and the name of the next field. */
export function entryHead(node: string): Uint8Array {
  return Buffer.from(`${textField("SYSLOG_IDENTIFIER", node)}\nMESSAGE`, "latin1");
}

/** At least as many bytes as an `EntryWriter` writes. */
export function entryBound({ head, message, namespace, thread }: JournalEntry): number {
  return head.length + message.length + (namespace.length + thread.length) * bytesPerUnit + fixedBytes;
}

/** The bytes between the message and the value of the namespace, by severity; and between the other values. */
const beforeNamespace = new Map(
  severities.map((severity, index) => [
    severity,
    bytesOf(`\nPRIORITY=${severities.length - 1 - index}\nNAMESPACE=`),
  ]),
);
const namespaceName = bytesOf("NAMESPACE=");
const beforeThread = bytesOf("\nTHREAD=");
const beforeTime = bytesOf("\nTIME=");

/** Writes entries byte by byte: for such short texts a call into the platform costs more than the text. */
export class EntryWriter {
  readonly #time = new JournalTime();

  /** Writes an entry at `at`; returns where it ends. The buffer has room for `entryBound`. */
  write(
    into: Buffer,
    at: number,
    { head, message, severity, namespace, thread, time }: JournalEntry,
  ): number {
    let end = writeMessage(into, put(into, at, head), message);
    end = put(into, end, beforeNamespace.get(severity)!);
    if (namespace === "") end = putText(into, end, "noname");
    else if (!namespace.includes("\n")) end = putText(into, end, namespace);
    else {
      end -= namespaceName.length;
      end += into.write(textField("NAMESPACE", namespace), end, "latin1");
    }
    end = putDigits(into, put(into, end, beforeThread), thread);
    end = this.#time.write(into, put(into, end, beforeTime), time);
    into[end] = lineFeed;
    return end + 1;
  }
}

/** Writes the message, and what separates it from its field's name. */
function writeMessage(into: Buffer, at: number, message: Uint8Array): number {
  let start = at + 1;
  if (message.includes(lineFeed)) {
    into[at] = lineFeed;
    start = into.writeBigUInt64LE(BigInt(message.length), start);
  } else {
    into[at] = equals;
  }
  into.set(message, start);
  return start + message.length;
}

function put(into: Uint8Array, at: number, bytes: Uint8Array): number {
  for (let index = 0; index < bytes.length; index += 1) into[at + index] = bytes[index]!;
  return at + bytes.length;
}

function putText(into: Buffer, at: number, text: string): number {
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return at + into.write(text, at, "utf8");
    into[at + index] = unit;
  }
  return at + text.length;
}

function putDigits(into: Uint8Array, at: number, text: string): number {
  let end = at;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x30 || unit > 0x39) continue;
    into[end] = unit;
    end += 1;
  }
  return end;
}

/** A field without the line feed that ends it, its bytes as Latin-1. */
function textField(name: string, value: string): string {
  const bytes = Buffer.from(value, "utf8");
  if (!bytes.includes(lineFeed)) return `${name}=${bytes.toString("latin1")}`;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return `${name}\n${length.toString("latin1")}${bytes.toString("latin1")}`;
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}
