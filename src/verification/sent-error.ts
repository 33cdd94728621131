/** What was sent cannot be compared in the requested way. */
export class SentError extends Error {
  override readonly name = "SentError";
}
