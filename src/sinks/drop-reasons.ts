/**
 * Why an object that was received does not reach a sink, each with the sentence that metrics and docs show. The list is
 * closed: accounting, metrics and docs use it.
 */
export const dropReasons = {
  stopped: "Muninn was stopped before the sink had made it safe.",
  failed: "An unexpected error in Muninn; the log shows it with its stack.",
  refused: "It came from a node that was then refused: its name was never known or not allowed.",
  "queue-full": "The queue of a best-effort sink was full; the oldest objects are dropped first.",
  "too-large": "It is larger than the sink accepts.",
  "receiver-left": "The only receiver it waited for has left, and there are others.",
  rejected: "The other side accepted the request but rejected this object for good.",
} as const;

export type DropReason = keyof typeof dropReasons;
