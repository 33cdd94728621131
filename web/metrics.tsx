import { useState } from "preact/hooks";
import type { NodeDetails } from "../src/ui/answers.js";
import { count, thousands, unitOf } from "./format.js";
import type { MetricPast } from "./metric-past.js";
import { Plot } from "./plot.js";
import { SearchBox } from "./search-box.js";
import { Trend } from "./trend.js";

type Metric = NodeDetails["metrics"][number];

/** Characters of a label; more is folded. */
const mostOfText = 200;
/** With more, groups begin folded. */
const mostUnfolded = 12;

/** The metrics of a node by groups, with a search; each number can be plotted. */
export function Metrics({ metrics, past }: { metrics: readonly Metric[]; past: MetricPast }) {
  const [words, setWords] = useState("");
  const wanted = words.toLowerCase().split(/\s+/);
  const shown = metrics.filter(([name]) => {
    const lower = name.toLowerCase();
    return wanted.every((word) => lower.includes(word));
  });
  const groups = groupsOf(shown);
  const isUnfolded = groups.size < mostUnfolded || words !== "";
  return (
    <section aria-label="Metrics" class="metrics">
      <div class="bar">
        <h2>Metrics</h2>
        <SearchBox what="metrics" words={words} onWords={setWords} />
        <span class="quiet">
          {count(shown.length)} of {count(metrics.length)}
        </span>
      </div>
      {[...groups].map(([prefix, group]) => (
        <Group
          key={`${prefix} ${isUnfolded}`}
          prefix={prefix}
          group={group}
          isUnfolded={isUnfolded}
          past={past}
        />
      ))}
    </section>
  );
}

function groupsOf(metrics: readonly Metric[]): Map<string, Metric[]> {
  const groups = new Map<string, Metric[]>();
  for (const metric of metrics.toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const prefix = prefixOf(metric[0]);
    const group = groups.get(prefix);
    if (group === undefined) groups.set(prefix, [metric]);
    else group.push(metric);
  }
  return groups;
}

/** `cardano.node.metrics` of `cardano.node.metrics.blockNum.int` */
function prefixOf(name: string): string {
  const segments = name.replace(/\.(int|real|counter|label)$/, "").split(".");
  return segments.length < 2 ? "other" : segments.slice(0, Math.min(3, segments.length - 1)).join(".");
}

interface GroupProps {
  readonly prefix: string;
  readonly group: readonly Metric[];
  /** To begin with. */
  readonly isUnfolded: boolean;
  readonly past: MetricPast;
}

function Group({ prefix, group, isUnfolded, past }: GroupProps) {
  const [isOpen, setOpen] = useState(isUnfolded);
  return (
    <details class="group" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        {prefix} <span class="quiet">{count(group.length)}</span>
      </summary>
      {isOpen && (
        <ul>
          {group.map((metric) => (
            <MetricRow key={metric[0]} metric={metric} past={past} />
          ))}
        </ul>
      )}
    </details>
  );
}

function MetricRow({ metric: [name, kind, text], past }: { metric: Metric; past: MetricPast }) {
  const [isOpen, setOpen] = useState(false);
  const [, setLoaded] = useState(false);
  const isNumber = kind !== "label" || (text.trim() !== "" && Number.isFinite(Number(text)));
  if (!isNumber)
    return (
      <li class="metric">
        <span class="name">{name}</span> <Text text={text} />
      </li>
    );
  return (
    <li class="metric">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => {
          setOpen(!isOpen);
          void past.load(name).then(() => setLoaded(true));
        }}
      >
        <span class="name">{name}</span> <Trend name={name} past={past} />{" "}
        <span class="value">
          {thousands(text)} <span class="quiet">{unitOf(name)}</span>
        </span>
      </button>
      {isOpen && <Plot label={name} points={past.all(name)} />}
    </li>
  );
}

function Text({ text }: { text: string }) {
  if (text.length <= mostOfText) return <span class="value text">{text}</span>;
  return (
    <details class="value text">
      <summary>
        {text.slice(0, mostOfText)}… <span class="quiet">{count(text.length)} characters</span>
      </summary>
      {text}
    </details>
  );
}
