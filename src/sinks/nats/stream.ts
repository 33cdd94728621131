import type { NatsSession } from "./link.js";

export interface StreamOptions {
  readonly stream: string;
  /** With `{slug}`. */
  readonly subject: string;
  readonly create: {
    readonly replicas: number;
    readonly maxAgeMs?: number;
    readonly maxBytes?: number;
    readonly duplicateWindowMs: number;
  };
}

const nanosecondsPerMs = 1_000_000;

/** Creates the stream if it is absent; an existing one is left unchanged. @throws the servers' error */
export async function ensureStream(
  { manager }: NatsSession,
  { stream, subject, create }: StreamOptions,
): Promise<"made" | "there"> {
  const { JetStreamApiCodes, JetStreamApiError } = await import("@nats-io/jetstream");
  try {
    await manager.streams.info(stream);
    return "there";
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.StreamNotFound) throw error;
  }
  const { replicas, maxAgeMs, maxBytes, duplicateWindowMs } = create;
  // A server refuses a window longer than the age of messages.
  const windowMs = Math.min(duplicateWindowMs, maxAgeMs ?? duplicateWindowMs);
  await manager.streams.add({
    name: stream,
    subjects: [subject.replace("{slug}", "*")],
    storage: "file",
    retention: "limits",
    // A full stream must not discard unread messages: it accepts nothing more, and we wait.
    discard: "new",
    num_replicas: replicas,
    duplicate_window: windowMs * nanosecondsPerMs,
    ...(maxAgeMs !== undefined && { max_age: maxAgeMs * nanosecondsPerMs }),
    ...(maxBytes !== undefined && { max_bytes: maxBytes }),
  });
  return "made";
}
