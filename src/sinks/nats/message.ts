import type { MsgHdrs } from "@nats-io/transport-node";
import type { NodeIdentity } from "../../nodes/identity.js";

// A message, as docs/beyond-one-machine.md describes it for readers of the stream:
//
// * payload: one CBOR array of trace objects, each with its eight fields as the node sent it;
// * headers: below. A payload larger than the servers accept is cut into parts of one message each, which follow
// one
//   behind the other; all have the headers of the whole.

const formatVersion = 1;

const header = {
  format: "Muninn-Format",
  start: "Muninn-Start",
  node: "Muninn-Node",
  directory: "Muninn-Directory",
  slug: "Muninn-Slug",
  first: "Muninn-First",
  count: "Muninn-Count",
  /** `2/17`; absent if the payload is whole. */
  part: "Muninn-Part",
} as const;

/** Longest name in a header, in bytes; a directory is never longer. */
export const longestName = 1_024;

/** The facts in a message's headers. */
export interface MessageFacts {
  /** Stable id of the daemon's start: numbers count from 1 for each start and node. */
  readonly start: string;
  readonly node: Pick<NodeIdentity, "name" | "directory" | "slug">;
  /** Number of its first object. */
  readonly first: number;
  /** Objects in it. */
  readonly count: number;
}

export interface Part {
  readonly number: number;
  readonly of: number;
}

/** Why a message is foreign or unreadable. */
export type MessageFault =
  | { readonly code: "foreign" }
  | { readonly code: "newer-format"; readonly format: string }
  | { readonly code: "malformed"; readonly what: string };

export class MessageError extends Error {
  override readonly name = "MessageError";
  readonly fault: MessageFault;

  constructor(fault: MessageFault, options?: ErrorOptions) {
    super(sentence(fault), options);
    this.fault = fault;
  }
}

function sentence(fault: MessageFault): string {
  switch (fault.code) {
    case "foreign":
      return "it is not a message of Muninn's";
    case "newer-format":
      return `it has format ${fault.format}, and this Muninn knows ${formatVersion}: upgrade`;
    case "malformed":
      return `its ${fault.what} cannot be read`;
  }
}

/** The same for each attempt to send it, so that the stream keeps it once. */
export function messageId({ start, node, first }: MessageFacts, part?: Part): string {
  const whole = `${start}:${node.slug}:${first}`;
  return part === undefined ? whole : `${whole}:${part.number}/${part.of}`;
}

export function setHeaders(headers: MsgHdrs, { start, node, first, count }: MessageFacts, part?: Part): void {
  headers.set(header.format, String(formatVersion));
  headers.set(header.start, start);
  headers.set(header.node, node.name);
  headers.set(header.directory, node.directory);
  headers.set(header.slug, node.slug);
  headers.set(header.first, String(first));
  headers.set(header.count, String(count));
  if (part !== undefined) headers.set(header.part, `${part.number}/${part.of}`);
}

/** Most bytes of headers: ids and the names of headers. */
export function headerBytes({ node }: Pick<MessageFacts, "node">): number {
  return 512 + Buffer.byteLength(node.name) + 2 * node.slug.length + Buffer.byteLength(node.directory);
}

/** @throws MessageError */
export function factsIn(headers: MsgHdrs | undefined): MessageFacts & { readonly part?: Part } {
  const format = headers?.get(header.format) ?? "";
  if (headers === undefined || format === "") throw new MessageError({ code: "foreign" });
  if (format !== String(formatVersion))
    throw new MessageError({ code: "newer-format", format: format.slice(0, 20) });
  const start = headers.get(header.start);
  if (!/^[\w-]{1,64}$/.test(start)) throw new MessageError({ code: "malformed", what: header.start });
  const [name, directory, slug] = [header.node, header.directory, header.slug].map((key) => headers.get(key));
  if (!name || Buffer.byteLength(name) > longestName)
    throw new MessageError({ code: "malformed", what: header.node });
  if (!isSafeDirectory(directory!)) throw new MessageError({ code: "malformed", what: header.directory });
  if (!/^[a-z0-9_-]{1,255}$/.test(slug!)) throw new MessageError({ code: "malformed", what: header.slug });
  const facts = {
    start,
    node: { name, directory: directory!, slug: slug! },
    first: numberIn(headers, header.first),
    count: numberIn(headers, header.count),
  };
  // Numbers too large to count on from would make everything after them look old.
  if (!Number.isSafeInteger(facts.first + facts.count))
    throw new MessageError({ code: "malformed", what: header.count });
  const text = headers.get(header.part);
  if (text === "") return facts;
  const [, number, of] = (/^([1-9]\d{0,6})\/([1-9]\d{0,6})$/.exec(text) ?? []).map(Number);
  if (number === undefined || number > of!) throw new MessageError({ code: "malformed", what: header.part });
  return { ...facts, part: { number, of: of! } };
}

function numberIn(headers: MsgHdrs, key: string): number {
  const value = Number(/^[1-9]\d{0,15}$/.exec(headers.get(key))?.[0]);
  if (!Number.isSafeInteger(value)) throw new MessageError({ code: "malformed", what: key });
  return value;
}

/** Checks that it is a safe path component and not one of Muninn's own: others may write to the stream, too. */
function isSafeDirectory(directory: string): boolean {
  const bytes = Buffer.byteLength(directory);
  return bytes > 0 && bytes <= 255 && !/^\.{1,2}$|^\.muninn|[/\0\p{Cc}]/u.test(directory);
}

/** One CBOR array of objects that are encoded already. */
export function encodePayload(objects: readonly Uint8Array[]): Buffer {
  const bytes = objects.reduce((sum, { length }) => sum + length, 0);
  return encodePayloadInto(Buffer.allocUnsafe(payloadBytes(bytes)), objects);
}

/** Bytes of a payload of this many bytes of objects. */
export function payloadBytes(bytes: number): number {
  return arrayHeadBytes + bytes;
}

/** The same, written to memory that must be large enough. */
export function encodePayloadInto(memory: Buffer, objects: readonly Uint8Array[]): Buffer {
  memory[0] = 0x9a;
  memory.writeUInt32BE(objects.length, 1);
  let end = arrayHeadBytes;
  for (const object of objects) {
    memory.set(object, end);
    end += object.length;
  }
  return memory.subarray(0, end);
}

/** In front of a payload this makes it a reply with trace objects, as nodes send them. */
export const replyHead: Uint8Array = Uint8Array.of(0x82, 0x03);

/** `9a` and the count in four bytes. */
const arrayHeadBytes = 5;
