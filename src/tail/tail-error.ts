/**
 * Why lines cannot be shown: `usage`, something asked for cannot be; `unknown-node`; `no-daemon`, it cannot be asked, or
 * does not answer as it should; `reader-gone`, the reader of the output has seen enough.
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
