import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { ProtocolError } from "../protocol/faults.js";
import type { Side } from "../protocol/mux.js";
import { findParts } from "./part-names.js";
import { type ForwarderMessage, RecordedForwarder } from "./recorded-forwarder.js";
import { RecordedTraffic } from "./recorded-traffic.js";
import { isRecording, readRecordingFile, type SkippedBytes } from "./recording-reader.js";

/** A message of a node, as kept in a file. */
export interface RecordedMessage {
  /** Microseconds since 1970, UTC; 0 in a file that keeps no times. */
  readonly at: number;
  /** Different for each connection of one file. */
  readonly connection: string;
  readonly message: ForwarderMessage;
}

/**
 * What nodes sent, from a recording with all its parts, or from a file of all bytes that one forwarder sent
 * (`CASE.forwarder.bin`). Whatever of it cannot be read is reported once and left out.
 * @throws RecordingError, and what the file system throws
 */
export function readRecordedMessages(
  file: string,
  onRemark: (text: string) => void,
): AsyncGenerator<RecordedMessage> {
  return file.endsWith(".bin") ? readRawBytes(file, onRemark) : readAllParts(file, onRemark);
}

/** Whether `readRecordedMessages` can read the file. */
export async function isRecordedTraffic(file: string): Promise<boolean> {
  return file.endsWith(".bin") || (await isRecording(file));
}

/** The name of a node in the file that never gave one. */
export function namelessNode(file: string, connection: string): string {
  return `${basename(file)}-${connection}`;
}

async function* readAllParts(
  file: string,
  onRemark: (text: string) => void,
): AsyncGenerator<RecordedMessage> {
  const parts = await findParts(file);
  const traffic = new RecordedTraffic(onRemark);
  let started = 0;
  for (const part of parts.includes(file) ? parts : [file]) {
    for await (const frames of readRecordingFile(part, (skipped) => onRemark(describe(skipped)))) {
      for (const frame of frames) {
        if (frame.kind === "begin") started = frame.started;
        if (frame.kind === "gap")
          onRemark(`${part}: ${frame.bytes} bytes were not recorded (${frame.reason})`);
        for (const { at, connection, message } of traffic.push(frame))
          yield { at: started + at, connection: `connection-${connection}`, message };
      }
    }
  }
}

function describe({ file, kind, offset, bytes }: SkippedBytes): string {
  return kind === "torn"
    ? `${file}: the last block is torn; ${bytes} bytes from byte ${offset} are left out`
    : `${file}: ${bytes} bytes from byte ${offset} are damaged and left out`;
}

async function* readRawBytes(
  file: string,
  onRemark: (text: string) => void,
): AsyncGenerator<RecordedMessage> {
  const forwarder = new RecordedForwarder(await senderOf(file));
  try {
    for await (const chunk of createReadStream(file))
      for (const message of forwarder.push(chunk)) yield { at: 0, connection: "connection-1", message };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    onRemark(`${file}: ${error.message}; the rest is skipped`);
  }
}

/** The direction bit of the first segment. */
async function senderOf(file: string): Promise<Side> {
  const handle = await open(file, "r");
  try {
    const { buffer } = await handle.read(Buffer.alloc(5), 0, 5, 0);
    return (buffer[4]! & 0x80) === 0 ? "opener" : "listener";
  } finally {
    await handle.close();
  }
}
