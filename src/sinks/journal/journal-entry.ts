import { type Severity, severities } from "../../protocol/trace-batch.js";

// The native protocol of journald (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram is one entry, a run of fields. A
// field is `NAME=value` and a line feed; where the value holds line feeds it is `NAME`, a line feed, the length as
// 64 bits, little endian, the value, a line feed.

/** What one trace object is in the journal: exactly the six fields that cardano-tracer writes. */
export interface JournalEntry {
  /** From `identifierField`; the same for all entries of a node. */
  readonly identifier: Uint8Array;
  /** UTF-8, any text. */
  readonly message: Uint8Array;
  readonly severity: Severity;
  /** Dotted; may be empty. */
  readonly namespace: string;
  /** As the node sent it. */
  readonly thread: string;
  /** From `JournalTime`. */
  readonly time: string;
}

const lineFeed = 0x0a;
/** More than the names of all fields and what stands between them. */
const namesBytes = 160;
/** Most bytes of UTF-8 for one unit of a JavaScript text. */
const bytesPerUnit = 3;

/** The field that says which node the entry is of. */
export function identifierField(node: string): Uint8Array {
  return Buffer.from(textField("SYSLOG_IDENTIFIER", node), "latin1");
}

/** At least as many bytes as `writeEntry` writes. */
export function entryBound({ identifier, message, namespace, thread, time }: JournalEntry): number {
  const units = namespace.length + thread.length + time.length;
  return identifier.length + message.length + units * bytesPerUnit + namesBytes;
}

/** Writes an entry at `at`; returns where it ends. The buffer has room for `entryBound`. */
export function writeEntry(into: Buffer, at: number, entry: JournalEntry): number {
  into.set(entry.identifier, at);
  const end = writeMessage(into, at + entry.identifier.length, entry.message);
  const priority = severities.length - 1 - severities.indexOf(entry.severity);
  const before = `\nPRIORITY=${priority}\n`;
  const after = `THREAD=${digitsOf(entry.thread)}\nTIME=${entry.time}\n`;
  const namespace = entry.namespace === "" ? "noname" : entry.namespace;
  // One call instead of three for almost all.
  return namespace.includes("\n")
    ? end + into.write(before + textField("NAMESPACE", namespace) + after, end, "latin1")
    : end + into.write(`${before}NAMESPACE=${namespace}\n${after}`, end, "utf8");
}

/** Without the line feed that ends it. */
function writeMessage(into: Buffer, at: number, message: Uint8Array): number {
  let start: number;
  if (message.includes(lineFeed)) {
    const length = at + into.write("MESSAGE\n", at, "latin1");
    start = into.writeBigUInt64LE(BigInt(message.length), length);
  } else {
    start = at + into.write("MESSAGE=", at, "latin1");
  }
  into.set(message, start);
  return start + message.length;
}

/** A whole field, its bytes as Latin-1. */
function textField(name: string, value: string): string {
  const bytes = Buffer.from(value, "utf8");
  if (!bytes.includes(lineFeed)) return `${name}=${bytes.toString("latin1")}\n`;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return `${name}\n${length.toString("latin1")}${bytes.toString("latin1")}\n`;
}

function digitsOf(thread: string): string {
  return /^\d*$/.test(thread) ? thread : thread.replaceAll(/\D/g, "");
}
