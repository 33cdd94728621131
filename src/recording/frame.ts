import protobuf from "protobufjs";
import type { Side } from "../protocol/mux.js";

/** What a recording holds: the schema of `docs/recording.md`. */
const schema = `
syntax = "proto3";
package muninn.recording;

message Frame {
  uint64 at = 1;
  oneof event {
    Begin begin = 2;
    Opened opened = 3;
    Bytes bytes = 4;
    Ended ended = 5;
    Closed closed = 6;
    Gap gap = 7;
    Finished finished = 8;
  }
}
enum Sender { OPENER = 0; LISTENER = 1; }
message Begin { uint64 started = 1; uint32 part = 2; string program = 3; }
message Opened { uint32 connection = 1; string opener = 2; string listener = 3; }
message Bytes { uint32 connection = 1; Sender sender = 2; uint64 offset = 3; bytes data = 4; }
message Ended { uint32 connection = 1; Sender sender = 2; }
message Closed { uint32 connection = 1; }
message Gap { uint64 bytes = 1; string reason = 2; }
message Finished {}
`;

/** Something that happened; `at` is in microseconds since the recording began. */
export type Frame = { readonly at: number } & (
  | /** The first frame of every file. `started` is in microseconds since 1970, UTC; `part` counts files from 1. */ {
      readonly kind: "begin";
      readonly started: number;
      readonly part: number;
      readonly program: string;
    }
  | /** A connection is there: who opened it, and where it goes, for people. Repeated in every later file while it lasts. */ {
      readonly kind: "opened";
      readonly connection: number;
      readonly opener: string;
      readonly listener: string;
    }
  | /** Bytes as they were passed on; `offset` is how many this side had sent before. */ {
      readonly kind: "bytes";
      readonly connection: number;
      readonly sender: Side;
      readonly offset: number;
      readonly data: Uint8Array;
    }
  | /** One side will send no more. */ {
      readonly kind: "ended";
      readonly connection: number;
      readonly sender: Side;
    }
  | { readonly kind: "closed"; readonly connection: number }
  | /** So many bytes were passed on and could not be recorded. */ {
      readonly kind: "gap";
      readonly bytes: number;
      readonly reason: string;
    }
  | /** The recording was ended in order. */ { readonly kind: "finished" }
);

const frameType = protobuf.parse(schema).root.lookupType("muninn.recording.Frame");
const senders = ["opener", "listener"] as const satisfies readonly Side[];

/** Collects frames, each with its length before it, as one run of bytes. */
export class FrameBuffer {
  #writer = protobuf.Writer.create();

  get byteLength(): number {
    return this.#writer.len;
  }

  /** The bytes of a `bytes` frame must not change before `take`. */
  add(frame: Frame): void {
    const { kind, at, ...event } = frame;
    const fields = "sender" in event ? { ...event, sender: senders.indexOf(event.sender) } : event;
    frameType.encodeDelimited({ at, [kind]: fields }, this.#writer);
  }

  take(): Uint8Array {
    const bytes = this.#writer.finish();
    this.#writer = protobuf.Writer.create();
    return bytes;
  }
}

/**
 * The frames in a run of bytes, without those of kinds that a later version added; one after the other, because a small block
 * may inflate to millions.
 * @throws Error where the bytes are not a run of frames
 */
export function* decodeFrames(bytes: Uint8Array): Generator<Frame> {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const frame = readFrame(frameType.toObject(frameType.decodeDelimited(reader), decoding));
    if (frame !== undefined) yield frame;
  }
}

const decoding = { longs: Number, defaults: true, oneofs: true } as const;

function readFrame(decoded: { [field: string]: unknown }): Frame | undefined {
  const { event: kind, at } = decoded;
  if (typeof kind !== "string") return undefined;
  const event = decoded[kind] as object;
  const sender = "sender" in event ? { sender: senders[event.sender as number] } : {};
  return { kind, at, ...event, ...sender } as Frame;
}
