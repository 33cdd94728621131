/**
 * Why lines cannot be shown: `usage`: a wrong option; `unknown-node`; `no-daemon`: it cannot be reached, or does not answer
 * as expected; `reader-gone`: the reader of the output has stopped reading.
 */
export type TailErrorCode = "usage" | "unknown-node" | "no-daemon" | "reader-gone";

/** The message is a sentence for users. */
export class TailError extends Error {
  override readonly name = "TailError";
  readonly code: TailErrorCode;

  constructor(code: TailErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
