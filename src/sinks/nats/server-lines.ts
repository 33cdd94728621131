/** The server sent something forbidden, or too much; the connection is closed. */
export class ServerFault extends Error {
  override readonly name = "ServerFault";
}

/** The largest is `INFO` with the addresses of a cluster's servers, some kilobytes. */
const longestLine = 64 * 1_024;
/**
 * Most lines other than messages within a window, and their bytes. A real server pings every two minutes, answers ours, and says
 * when its cluster changes.
 */
const mostLines = 500;
const mostLineBytes = 256 * 1_024;
const windowMs = 10_000;

const lineFeed = 0x0a;
/** The end of a payload: the library takes one byte of any kind, and then everything up to a line feed. */
const afterPayload = 1;

export interface ServerLinesOptions {
  /** Longest message, with its headers, in bytes. */
  readonly mostMessageBytes: number;
  /** Milliseconds, from any starting point. */
  readonly now?: () => number;
}

/**
 * Checks a server's bytes before the library, which trusts them, reads them: it collects a line until it ends, answers
 * every `PING` whether or not the answers are read, and stops reading without a word at bytes that it does not understand.
 *
 *     PING | PONG | +OK | -ERR 'why' | INFO {…} | MSG subject sid [reply] bytes ␍␊ payload
 *     | HMSG subject sid [reply] header-bytes bytes ␍␊ headers payload        each followed by ␍␊
 */
export class ServerLines {
  readonly #mostMessageBytes: number;
  readonly #now: () => number;
  /** The beginning of an unfinished line. */
  #begun = "";
  #payloadLeft = 0;
  /** Whether the rest of the line belongs to the message before it. */
  #endsMessage = false;
  #windowAt = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #lineBytes = 0;

  constructor({ mostMessageBytes, now = () => performance.now() }: ServerLinesOptions) {
    this.#mostMessageBytes = mostMessageBytes;
    this.#now = now;
  }

  /** @throws ServerFault; after that it must not be called again */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#payloadLeft > 0) {
        const bytes = Math.min(this.#payloadLeft, chunk.length - at);
        this.#payloadLeft -= bytes;
        at += bytes;
        continue;
      }
      const feed = chunk.indexOf(lineFeed, at);
      const end = feed === -1 ? chunk.length : feed;
      if (this.#begun.length + end - at > longestLine)
        throw new ServerFault(`the server sent a line of more than ${longestLine} bytes`);
      const isKnown = this.#begun.length > longestOperation;
      this.#begun += chunk.toString("latin1", at, end);
      at = end + 1;
      if (feed === -1) {
        if (!isKnown && !this.#endsMessage && !mayBegin(this.#begun)) throw notNats(noOperation);
        return;
      }
      const line = this.#begun;
      this.#begun = "";
      if (this.#endsMessage) this.#endsMessage = false;
      else this.#take(line.endsWith("\r") ? line.slice(0, -1) : line);
    }
  }

  #take(line: string): void {
    const [operation = "", ...words] = line.split(/[ \t]+/);
    switch (operation.toUpperCase()) {
      case "MSG":
        this.#beginMessage(words, 3);
        return;
      case "HMSG":
        this.#beginMessage(words, 4);
        return;
      case "INFO":
        this.#count(line);
        if (!isObject(line.slice(operation.length))) throw notNats("INFO that is not JSON");
        return;
      case "PING":
      case "PONG":
      case "+OK":
      case "-ERR":
        this.#count(line);
        return;
      default:
        throw notNats(noOperation);
    }
  }

  /** `least` words; one more if there is a subject for an answer. */
  #beginMessage(words: readonly string[], least: number): void {
    const bytes = numberIn(words.at(-1));
    const headerBytes = least === 4 ? numberIn(words.at(-2)) : 0;
    const isWhole = words.length === least || words.length === least + 1;
    if (!isWhole || !(numberIn(words[1]) >= 0) || !(headerBytes <= bytes) || words.join().includes("\r"))
      throw notNats("a message whose first line cannot be read");
    if (bytes > this.#mostMessageBytes)
      throw new ServerFault(
        `the server sent a message of ${bytes} bytes; at most ${this.#mostMessageBytes} are expected`,
      );
    this.#payloadLeft = bytes + afterPayload;
    this.#endsMessage = true;
  }

  #count(line: string): void {
    const now = this.#now();
    if (now - this.#windowAt >= windowMs) {
      this.#windowAt = now;
      this.#lines = 0;
      this.#lineBytes = 0;
    }
    this.#lines += 1;
    this.#lineBytes += line.length;
    if (this.#lines > mostLines || this.#lineBytes > mostLineBytes)
      throw new ServerFault(
        `the server sent more than ${mostLines} lines without a message (PING, INFO, errors), or very long ones, within ${windowMs / 1_000} s`,
      );
  }
}

function notNats(what: string): ServerFault {
  return new ServerFault(`the server sent ${what}`);
}

const noOperation = "a line that is not of the NATS protocol";
const operations = ["MSG", "HMSG", "INFO", "PING", "PONG", "+OK", "-ERR"];

const longestOperation = 4;

/** Whether a line may begin like this: at anything else the library would stop reading. */
function mayBegin(begun: string): boolean {
  const [word = ""] = begun
    .slice(0, longestOperation + 1)
    .toUpperCase()
    .split(/[ \t\r]/, 1);
  return operations.some((operation) =>
    begun.length === word.length ? operation.startsWith(word) : operation === word,
  );
}

/** NaN if it is not a number. */
function numberIn(word: string | undefined): number {
  return /^\d{1,15}$/.test(word ?? "") ? Number(word) : Number.NaN;
}

function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}
