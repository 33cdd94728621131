import { jetstream } from "@nats-io/jetstream";
import { connect, type MsgHdrs } from "@nats-io/transport-node";
import type { ReceivedBatch } from "../../../src/protocol/received-batch.js";
import { TraceReplyDecoder } from "../../../src/protocol/trace-reply-decoder.js";
import { factsIn, replyHead } from "../../../src/sinks/nats/message.js";

interface StoredMessage {
  readonly subject: string;
  readonly headers: MsgHdrs;
  readonly facts: ReturnType<typeof factsIn>;
  readonly bytes: number;
}

export interface StreamContents {
  readonly messages: readonly StoredMessage[];
  /** The machine texts of each slug, in the order of the stream; and numbers that do not follow the one before. */
  readonly linesOf: ReadonlyMap<string, string[]>;
  readonly jumps: number;
}

/** Reads the whole stream, without Muninn's own reader. */
export async function readStream({ url }: { readonly url: string }, stream: string): Promise<StreamContents> {
  const connection = await connect({ servers: url });
  const messages: StoredMessage[] = [];
  const linesOf = new Map<string, string[]>();
  const next = new Map<string, number>();
  const parts: Uint8Array[] = [];
  let jumps = 0;
  try {
    const consumer = await jetstream(connection).consumers.get(stream);
    let left = (await consumer.info()).num_pending;
    if (left === 0) return { messages, linesOf, jumps };
    for await (const message of await consumer.consume()) {
      const facts = factsIn(message.headers);
      messages.push({
        subject: message.subject,
        headers: message.headers!,
        facts,
        bytes: message.data.length,
      });
      parts.push(message.data);
      if (facts.part === undefined || facts.part.number === facts.part.of) {
        const { slug } = facts.node;
        const key = `${facts.start} ${slug}`;
        if ((next.get(key) ?? 1) !== facts.first) jumps += 1;
        next.set(key, facts.first + facts.count);
        const lines = linesIn(parts.splice(0));
        if (lines.length !== facts.count) throw new Error("the header's count is wrong");
        linesOf.set(slug, [...(linesOf.get(slug) ?? []), ...lines]);
      }
      left -= 1;
      if (left === 0) break;
    }
    return { messages, linesOf, jumps };
  } finally {
    await connection.close();
  }
}

function linesIn(parts: readonly Uint8Array[]): string[] {
  const decoder = new TraceReplyDecoder({ maxObjectBytes: 64 * 2 ** 20 });
  for (const part of [replyHead, ...parts]) decoder.push(part);
  const batch: ReceivedBatch = decoder.take()!;
  return Array.from({ length: batch.length }, (_, index) =>
    Buffer.from(batch.machine(index)).toString("utf8"),
  );
}
