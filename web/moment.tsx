import { moment } from "./format.js";

/** A local time; UTC where one points at it. */
export function Moment({ at, text }: { at: number | string; text?: string }) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <>{String(at)}</>;
  // What came as a text may be finer than a page's own times.
  const utc = typeof at === "string" ? at : date.toISOString();
  return (
    <time dateTime={date.toISOString()} title={`${utc.replace("T", " ").replace("Z", "")} UTC`}>
      {text ?? moment(date)}
    </time>
  );
}
