import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { severities } from "../src/protocol/trace-batch.js";
import type { LiveObject } from "../src/sinks/live/live-messages.js";
import { count, counted, timeOfDay } from "./format.js";
import { JsonText } from "./json-tree.js";
import { type Line, LiveFeed } from "./live-feed.js";
import { Moment } from "./moment.js";
import { isNarrow } from "./narrow.js";
import { changeParameters, place } from "./place.js";
import { overview } from "./tracer.js";
import { VirtualList } from "./virtual-list.js";

/** Who types is waited for. */
const typingMs = 300;

/** Trace objects as they come, filtered by the tracer. The address has the filters. */
export function LiveView() {
  const query = place.value.parameters.toString();
  const feed = useMemo(() => new LiveFeed(new URLSearchParams(query)), [query]);
  useEffect(() => () => feed.stop(), [feed]);
  const [frozen, setFrozen] = useState<readonly Line[] | undefined>();
  const [opened, setOpened] = useState<LiveObject | undefined>();
  useEffect(() => setFrozen(undefined), [feed]);

  // Read so that the view follows it.
  void feed.version.value;
  const pause = () => setFrozen((before) => before ?? feed.lines.all());
  const lineAt = (index: number) => (frozen === undefined ? feed.lines.at(index) : frozen[index]);
  return (
    <>
      <div class="bar">
        <h1>Live traces</h1>
        <button
          type="button"
          aria-pressed={frozen !== undefined}
          onClick={() => (frozen === undefined ? pause() : setFrozen(undefined))}
        >
          {frozen === undefined ? "Pause" : "Resume"}
        </button>
        <button
          type="button"
          onClick={() => {
            feed.clear();
            setFrozen(undefined);
          }}
        >
          Clear
        </button>
        <span class="quiet" role="status">
          {feed.state}
        </span>
        <span class="quiet">
          {counted(feed.lines.length, "line")}
          {feed.left.value > 0 && `, ${count(feed.left.value)} left out`}
        </span>
      </div>
      <Filters />
      <VirtualList
        label="Trace objects"
        className="lines"
        rows={frozen?.length ?? feed.lines.length}
        rowHeight={isNarrow.value ? 52 : 28}
        header={["Time", "Severity", "Node", "Namespace", "Message"].map((name) => (
          <span key={name} role="columnheader">
            {name}
          </span>
        ))}
        row={(index) => <LineRow line={lineAt(index)} />}
        follows={frozen === undefined}
        onLeaveEnd={pause}
        onOpen={(index) => {
          const line = lineAt(index);
          pause();
          if (line !== undefined && !("gap" in line)) setOpened(line);
        }}
      />
      {opened !== undefined && <Opened object={opened} onClose={() => setOpened(undefined)} />}
    </>
  );
}

function LineRow({ line }: { line: Line | undefined }) {
  if (line === undefined) return null;
  if ("gap" in line)
    return (
      <span role="gridcell" class="gap">
        {line.gap}
      </span>
    );
  return (
    <>
      <span role="gridcell" class="time">
        <Moment at={line.at} text={timeOfDay(new Date(line.at))} />
      </span>
      <span role="gridcell" class={`mark ${line.severity}`}>
        {line.severity}
      </span>
      <span role="gridcell" class="name">
        {line.node}
      </span>
      <span role="gridcell" class="namespace">
        {line.namespace}
      </span>
      <span role="gridcell" class="text">
        {(line.human ?? line.machine).slice(0, 500)}
      </span>
    </>
  );
}

function Opened({ object, onClose }: { object: LiveObject; onClose: () => void }) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => box.current?.focus(), [object]);
  return (
    <section
      class="opened"
      aria-label="Trace object"
      tabIndex={-1}
      ref={box}
      onKeyDown={({ key }) => key === "Escape" && onClose()}
    >
      <button type="button" onClick={onClose}>
        Close
      </button>
      <h2>{object.namespace}</h2>
      <dl class="facts">
        <div>
          <dt>time</dt>
          <dd>
            <Moment at={object.at} /> <span class="quiet">{object.at}</span>
          </dd>
        </div>
        {(["node", "severity", "host", "thread"] as const).map((name) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{object[name]}</dd>
          </div>
        ))}
      </dl>
      {object.human !== undefined && <pre>{object.human}</pre>}
      <JsonText text={object.machine} />
      {object.cutFrom !== undefined && (
        <p>Cut from {count(object.cutFrom)} bytes; the log files have all of it.</p>
      )}
    </section>
  );
}

function Filters() {
  const { parameters } = place.value;
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const isExpression = parameters.has("regex");
  const set = (changes: Record<string, string>) => {
    const changed = new URLSearchParams(place.value.parameters);
    for (const [name, value] of Object.entries(changes)) {
      if (value === "") changed.delete(name);
      else changed.set(name, value);
    }
    changeParameters(changed);
  };
  const later = (changes: () => Record<string, string>) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => set(changes()), typingMs);
  };
  const textName = isExpression ? "regex" : "text";
  return (
    <form class="bar filters" onSubmit={(event) => event.preventDefault()} aria-label="Filters">
      <label>
        Node{" "}
        <input
          list="node-names"
          value={parameters.get("node") ?? ""}
          placeholder="all"
          onInput={({ currentTarget: { value } }) => later(() => ({ node: value }))}
        />
      </label>
      <datalist id="node-names">
        {(overview.value?.nodes ?? []).slice(0, 200).map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <label>
        Namespace{" "}
        <input
          value={parameters.get("namespace") ?? ""}
          placeholder="ChainDB.AddBlock"
          onInput={({ currentTarget: { value } }) => later(() => ({ namespace: value.trim() }))}
        />
      </label>
      <label>
        Severity{" "}
        <select
          value={parameters.get("severity") ?? ""}
          onChange={({ currentTarget: { value } }) => set({ severity: value })}
        >
          <option value="">all</option>
          {severities.slice(1).map((severity) => (
            <option key={severity} value={severity}>
              {severity} and worse
            </option>
          ))}
        </select>
      </label>
      <label>
        Text{" "}
        <input
          type="search"
          value={parameters.get(textName) ?? ""}
          onInput={({ currentTarget: { value } }) => later(() => ({ [textName]: value }))}
        />
      </label>
      <label>
        <input
          type="checkbox"
          checked={isExpression}
          onChange={({ currentTarget: { checked } }) => {
            const [from, to] = checked ? ["text", "regex"] : ["regex", "text"];
            const changed = new URLSearchParams(place.value.parameters);
            const value = changed.get(from!) ?? "";
            changed.delete(from!);
            // Empty counts as absent for the tracer; the box stays ticked.
            changed.set(to!, value);
            if (!checked && value === "") changed.delete(to!);
            changeParameters(changed);
          }}
        />{" "}
        regular expression
      </label>
    </form>
  );
}
