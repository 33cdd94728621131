import type { Body } from "./body.js";

/** A route's answer to GET; the server adds the headers that all answers share, and omits the body for HEAD. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  /** A text is compressed if the client accepts that; a ready body is sent unchanged. */
  readonly body: string | Body;
  readonly headers?: Readonly<Record<string, string>>;
}

const maxEchoedLength = 200;

export function textAnswer(status: number, text: string, headers: Record<string, string> = {}): Answer {
  return { status, contentType: "text/plain; charset=utf-8", body: `${text}\n`, headers };
}

export function jsonAnswer(status: number, value: unknown): Answer {
  return { status, contentType: "application/json", body: JSON.stringify(value) };
}

/** The answer if too many requests wait for theirs to be made. */
export function busyAnswer(): Answer {
  return textAnswer(503, "Too many requests at the same time", { "Retry-After": "1" });
}

/** The path is text from the client, so it is shortened and reduced to printable ASCII. */
export function notFound(path: string): Answer {
  const shown = path.length > maxEchoedLength ? `${path.slice(0, maxEchoedLength)}…` : path;
  return textAnswer(404, `Not found: ${shown.replace(/[^\x20-\x7e…]/g, "?")}`);
}
