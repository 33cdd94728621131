/** What was sent cannot be compared as it was asked for. */
export class SentError extends Error {
  override readonly name = "SentError";
}
