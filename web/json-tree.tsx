import { thousands } from "./format.js";

/** Deeper values are shown as text. */
const mostLevels = 12;
/** Most entries shown of one list or object. */
const mostShown = 500;

/** Shows JSON as a tree, and any other text as it is. */
export function JsonText({ text }: { text: string }) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return <pre>{text}</pre>;
  }
  return typeof value === "object" && value !== null ? <Tree value={value} level={0} /> : <pre>{text}</pre>;
}

function Tree({ value, level }: { value: object; level: number }) {
  const entries = Object.entries(value);
  const surplus = entries.length - mostShown;
  return (
    <ul class="tree">
      {entries.slice(0, mostShown).map(([key, inner]) => (
        <li key={key}>
          {typeof inner === "object" &&
          inner !== null &&
          Object.keys(inner).length > 0 &&
          level < mostLevels ? (
            <details open={level < 2}>
              <summary>
                {key} <span class="quiet">{Array.isArray(inner) ? `[${inner.length}]` : "{…}"}</span>
              </summary>
              <Tree value={inner} level={level + 1} />
            </details>
          ) : (
            <>
              <span class="key">{key}</span> <span class="value">{shown(inner)}</span>
            </>
          )}
        </li>
      ))}
      {surplus > 0 && <li class="quiet">{thousands(String(surplus))} more</li>}
    </ul>
  );
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
