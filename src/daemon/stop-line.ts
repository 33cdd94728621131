import type { Tracer } from "../tracer.js";

type SinkOutcome = ReturnType<Tracer["outcome"]>[number];

/** How it ended: which sink dropped what, required sinks first, since what they dropped is missing where it should be. */
export function stopLine(outcome: readonly SinkOutcome[]): {
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
} {
  const required = outcome.filter(({ isRequired }) => isRequired);
  const parts = outcome.filter((sink) => droppedBy(sink) > 0).map(dropsOf);
  if (outcome.length === 0) parts.push("no objects were received");
  else if (parts.length === 0) parts.push(`all objects were written (${writtenTo(outcome)})`);
  else if (required.length > 0 && required.every((sink) => droppedBy(sink) === 0))
    parts.unshift(`all objects were written to required sinks (${writtenTo(required)})`);
  const sinks = outcome.map((sink) => ({ ...sink, dropped: Object.fromEntries(sink.dropped) }));
  return { message: ["stopped", ...parts].join("; "), facts: { sinks } };
}

function droppedBy({ dropped }: SinkOutcome): number {
  return [...dropped.values()].reduce((sum, objects) => sum + objects, 0);
}

function writtenTo(outcome: readonly SinkOutcome[]): string {
  return outcome.map(({ sink, written }) => `${sink}: ${written}`).join(", ");
}

function dropsOf(outcome: SinkOutcome): string {
  const { sink, isRequired, received, dropped } = outcome;
  const reasons = [...dropped].map(([reason, objects]) => `${reason}: ${objects}`).join(", ");
  const kind = isRequired ? "required" : "best-effort";
  return `${kind} sink ${sink} dropped ${droppedBy(outcome)} of ${received} objects (${reasons})`;
}
