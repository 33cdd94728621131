import { useEffect, useMemo, useState } from "preact/hooks";
import type { NodeDetails } from "../src/ui/answers.js";
import { count, rate, thousands, unitOf } from "./format.js";
import { MetricPast } from "./metric-past.js";
import { Moment } from "./moment.js";
import { Severities } from "./overview.js";
import { liveAddress } from "./place.js";
import { Plot } from "./plot.js";
import { poll } from "./polling.js";

type Metric = NodeDetails["metrics"][number];

/** One node: what it says of itself, and its metrics. */
export function NodeView({ slug }: { slug: string }) {
  const polled = useMemo(() => poll<NodeDetails>(`/api/node/${encodeURIComponent(slug)}`), [slug]);
  useEffect(() => polled.stop, [polled]);
  const past = useMemo(() => new MetricPast(slug), [slug]);
  const { value } = polled.answer;
  useMemo(() => value !== undefined && past.take(value.metrics, Date.now()), [value]);
  if (value === undefined)
    return <p role="status">{polled.trouble.value ? `${slug}: ${polled.trouble.value}` : "Loading …"}</p>;
  return (
    <>
      <div class="bar">
        <h1>{value.name}</h1>
        <span class={value.isConnected ? "ok" : "failing"}>
          {value.isConnected ? "connected" : "gone"} since <Moment at={value.since} />
        </span>
        <a href={liveAddress({ node: value.name })}>Live traces of this node</a>
        {polled.trouble.value !== undefined && <span role="status">{polled.trouble.value}</span>}
      </div>
      <dl class="facts">
        <Fact name="rate">{rate(value.rate)}</Fact>
        <Fact name="objects">{count(value.total)}</Fact>
        <Fact name="last message">
          {value.lastAt === undefined ? "none yet" : <Moment at={value.lastAt} />}
        </Fact>
        <Fact name="last minutes">
          <Severities counts={value.bySeverity} />
        </Fact>
        {value.facts.map(([name, text]) => (
          <Fact key={name} name={name}>
            {/start/.test(name) ? <Moment at={text} /> : text}
          </Fact>
        ))}
      </dl>
      <Metrics metrics={value.metrics} past={past} />
    </>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** `cardano.node.metrics` of `cardano.node.metrics.blockNum.int` */
function prefixOf(name: string): string {
  const segments = name.replace(/\.(int|real|counter|label)$/, "").split(".");
  return segments.length < 2 ? "other" : segments.slice(0, Math.min(3, segments.length - 1)).join(".");
}

function Metrics({ metrics, past }: { metrics: readonly Metric[]; past: MetricPast }) {
  const [words, setWords] = useState("");
  const wanted = words.toLowerCase().split(/\s+/);
  const groups = new Map<string, Metric[]>();
  let shown = 0;
  for (const metric of metrics.toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const lower = metric[0].toLowerCase();
    if (!wanted.every((word) => lower.includes(word))) continue;
    shown += 1;
    const prefix = prefixOf(metric[0]);
    const group = groups.get(prefix);
    if (group === undefined) groups.set(prefix, [metric]);
    else group.push(metric);
  }
  return (
    <section aria-label="Metrics">
      <div class="bar">
        <h2>Metrics</h2>
        <input
          type="search"
          aria-label="Search metrics"
          placeholder="Search metrics"
          value={words}
          onInput={({ currentTarget }) => setWords(currentTarget.value)}
        />
        <span class="quiet">
          {count(shown)} of {count(metrics.length)}
        </span>
      </div>
      {[...groups].map(([prefix, group]) => (
        <details key={prefix} class="group" open={groups.size < 12 || words !== ""}>
          <summary>
            {prefix} <span class="quiet">{count(group.length)}</span>
          </summary>
          <ul>
            {group.map((metric) => (
              <MetricRow key={metric[0]} metric={metric} past={past} />
            ))}
          </ul>
        </details>
      ))}
    </section>
  );
}

function MetricRow({ metric: [name, kind, text], past }: { metric: Metric; past: MetricPast }) {
  const [isOpen, setOpen] = useState(false);
  const [, setLoaded] = useState(false);
  const isNumber = kind !== "label" || (text.trim() !== "" && Number.isFinite(Number(text)));
  const value = (
    <span class="value">
      {thousands(text)} {isNumber && <span class="quiet">{unitOf(name)}</span>}
    </span>
  );
  if (!isNumber)
    return (
      <li class="metric">
        <span class="name">{name}</span> {value}
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
        <span class="name">{name}</span> {value}
      </button>
      {isOpen && <Plot label={name} points={past.of(name)} />}
    </li>
  );
}
