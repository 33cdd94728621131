import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type Answer, textAnswer } from "./answer.js";
import type { GatedConnection } from "./gated-connection.js";

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** The body of a request, or why it is refused. */
export async function readRequestBody(message: IncomingMessage, maxBytes: number): Promise<string | Answer> {
  // Without a length the body cannot be separated from the next request before HTTP has read it.
  const length = Number(message.headers["content-length"] ?? Number.NaN);
  if (message.headers["transfer-encoding"] !== undefined || !Number.isInteger(length)) {
    return textAnswer(411, "A body needs a Content-Length");
  }
  if (length > maxBytes) return textAnswer(413, `A body may have ${maxBytes} bytes`);
  (message.socket as Duplex as GatedConnection).letThrough(length);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of message) chunks.push(chunk as Buffer);
  } catch {
    return textAnswer(400, "The body was cut off");
  }
  return Buffer.concat(chunks).toString("utf8");
}
