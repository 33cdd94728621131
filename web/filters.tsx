import { useEffect, useRef, useState } from "preact/hooks";
import { severities } from "../src/protocol/trace-batch.js";
import { changeParameters, place } from "./place.js";
import { overview } from "./tracer.js";

/** Pause in typing after which a filter is applied, in milliseconds. */
const typingMs = 300;
/** Most names suggested while typing. */
const mostNames = 1_000;

/** The filters of the live view; they are kept in the address. */
export function Filters() {
  const { parameters } = place.value;
  const isExpression = parameters.has("regex");
  const textName = isExpression ? "regex" : "text";
  return (
    <form class="bar filters" onSubmit={(event) => event.preventDefault()} aria-label="Filters">
      <Typed label="Node" list="node-names" placeholder="all" parameter="node" />
      <datalist id="node-names">
        {(overview.value?.nodes ?? []).slice(0, mostNames).map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <Typed label="Namespace" placeholder="ChainDB.AddBlock" parameter="namespace" />
      <label>
        Severity{" "}
        <select
          value={parameters.get("severity") ?? ""}
          onChange={({ currentTarget: { value } }) => change({ severity: value })}
        >
          <option value="">all</option>
          {severities.slice(1).map((severity) => (
            <option key={severity} value={severity}>
              {severity} and worse
            </option>
          ))}
        </select>
      </label>
      <Typed label="Text" key={textName} type="search" placeholder="any" parameter={textName} />
      <label>
        <input
          type="checkbox"
          checked={isExpression}
          onChange={({ currentTarget: { checked } }) => setExpression(checked)}
        />{" "}
        regular expression
      </label>
      {[...parameters].length > 0 && (
        <button type="button" onClick={() => changeParameters(new URLSearchParams())}>
          Reset filters
        </button>
      )}
    </form>
  );
}

interface TypedProps {
  readonly label: string;
  /** Its name in the address. */
  readonly parameter: string;
  readonly placeholder: string;
  readonly type?: "search";
  readonly list?: string;
}

/**
 * A text field that changes the address once its user pauses. Until then what is typed stays, even if the view is drawn
 * again.
 */
function Typed({ label, parameter, ...attributes }: TypedProps) {
  const [typed, setTyped] = useState<string | undefined>();
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label>
      {label}{" "}
      <input
        {...attributes}
        autocomplete="off"
        spellcheck={false}
        value={typed ?? place.value.parameters.get(parameter) ?? ""}
        onInput={({ currentTarget: { value } }) => {
          setTyped(value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => {
            setTyped(undefined);
            change({ [parameter]: parameter === "namespace" ? value.trim() : value });
          }, typingMs);
        }}
      />
    </label>
  );
}

/** Sets parameters of the address. Empty ones are removed, except `regex`, which keeps its box ticked. */
function change(changes: Record<string, string>): void {
  const changed = new URLSearchParams(place.value.parameters);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "" && name !== "regex") changed.delete(name);
    else changed.set(name, value);
  }
  changeParameters(changed);
}

/** Whether the text is a regular expression. */
function setExpression(isExpression: boolean): void {
  const [from, to] = isExpression ? (["text", "regex"] as const) : (["regex", "text"] as const);
  const changed = new URLSearchParams(place.value.parameters);
  const value = changed.get(from) ?? "";
  changed.delete(from);
  if (isExpression || value !== "") changed.set(to, value);
  changeParameters(changed);
}
