import { moment } from "./format.js";

/** A local time, with UTC as its tooltip. */
export function Moment({ at, text }: { at: number | string; text?: string }) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <>{String(at)}</>;
  // A time that is a text may be finer than JavaScript's milliseconds.
  const utc = typeof at === "string" ? at : date.toISOString();
  return (
    <time dateTime={date.toISOString()} title={`${utc.replace("T", " ").replace("Z", "")} UTC`}>
      {text ?? moment(date)}
    </time>
  );
}
