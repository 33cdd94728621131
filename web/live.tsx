import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LiveObject } from "../src/sinks/live/live-messages.js";
import { dataText } from "../src/text/data-text.js";
import { Filters } from "./filters.js";
import { count, counted, timeOfDay } from "./format.js";
import { JsonText } from "./json-tree.js";
import { type Line, LiveFeed } from "./live-feed.js";
import { Moment } from "./moment.js";
import { isNarrow } from "./narrow.js";
import { place } from "./place.js";
import { VirtualList } from "./virtual-list.js";

/** Characters of a message that a row may have room for. */
const mostOfText = 500;

/** Trace objects as they arrive, filtered by the tracer. */
export function LiveView() {
  const query = place.value.parameters.toString();
  const feed = useMemo(() => new LiveFeed(new URLSearchParams(query)), [query]);
  useEffect(() => () => feed.stop(), [feed]);
  const [frozen, setFrozen] = useState<readonly Line[] | undefined>();
  const [opened, setOpened] = useState<LiveObject | undefined>();
  useEffect(() => setFrozen(undefined), [feed]);

  // Read, so that the view is drawn again when it changes.
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
        <span class={feed.isLive ? "quiet" : "failing"} role="status">
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
        rowHeight={isNarrow.value ? 68 : 28}
        header={["Time", "Severity", "Node", "Namespace", "Message"].map((name) => (
          <span key={name} role="columnheader">
            {name}
          </span>
        ))}
        row={(index) => <LineRow line={lineAt(index)} />}
        empty={query === "" ? "No line has arrived yet." : "No line that passes the filters has arrived yet."}
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
        {count(line.gap)} {line.why}
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
        {(line.human ?? dataText(line.machine)).slice(0, mostOfText)}
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
