import { useState } from "preact/hooks";
import type { NodeDetails } from "../src/ui/answers.js";
import { count, counted, thousands, unitOf } from "./format.js";
import type { MetricPast } from "./metric-past.js";
import { Plot } from "./plot.js";
import { SearchBox } from "./search-box.js";
import { Trend } from "./trend.js";

type Metric = NodeDetails["metrics"][number];

/** Longer labels are folded, in characters. */
const mostOfText = 200;
/** With this many groups or more, all are folded at first. */
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
          {shown.length < metrics.length && `${count(shown.length)} of `}
          {counted(metrics.length, "metric")}
        </span>
      </div>
      {metrics.length === 0 && <p class="quiet">No metrics have arrived yet.</p>}
      {metrics.length > 0 && shown.length === 0 && <p class="quiet">No metric has that in its name.</p>}
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
  /** At first. */
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
            <MetricRow key={metric[0]} metric={metric} prefix={prefix} past={past} />
          ))}
        </ul>
      )}
    </details>
  );
}

interface MetricProps {
  readonly metric: Metric;
  /** Of its group, which shows it. */
  readonly prefix: string;
  readonly past: MetricPast;
}

function MetricRow({ metric: [name, kind, text], prefix, past }: MetricProps) {
  const [isOpen, setOpen] = useState(false);
  const [, setLoaded] = useState(false);
  const isNumber = kind !== "label" || (text.trim() !== "" && Number.isFinite(Number(text)));
  if (!isNumber)
    return (
      <li class="metric">
        <Name name={name} prefix={prefix} /> <Text text={text} />
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
        <Name name={name} prefix={prefix} /> <Trend name={name} past={past} />{" "}
        <span class="value">
          {thousands(text)} <span class="quiet">{unitOf(name)}</span>
        </span>
      </button>
      {isOpen && <Plot label={name} points={past.all(name)} />}
    </li>
  );
}

/** A name without the prefix of its group; it may break after each word. */
function Name({ name, prefix }: { name: string; prefix: string }) {
  const rest = name.startsWith(`${prefix}.`) ? name.slice(prefix.length + 1) : name;
  return (
    <span class="name" title={name}>
      {rest.split(/(?<=[._])/).flatMap((word, index) => (index === 0 ? [word] : [<wbr key={index} />, word]))}
    </span>
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
