import { useSignalEffect } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { MetricHistory, NodeDetails } from "../src/ui/answers.js";
import { count, rate } from "./format.js";
import { MetricPast, type Points } from "./metric-past.js";
import { Metrics } from "./metrics.js";
import { Moment } from "./moment.js";
import { Severities } from "./overview.js";
import { liveAddress } from "./place.js";
import { usePolled } from "./polling.js";
import { overview } from "./tracer.js";

/** One node: what it reports about itself, and its metrics. */
export function NodeView({ slug }: { slug: string }) {
  const polled = usePolled<NodeDetails>(`/api/node/${encodeURIComponent(slug)}`);
  const past = useMemo(() => new MetricPast((name) => lastHourOf(slug, name)), [slug]);
  const { value } = polled.answer;
  useSignalEffect(() => {
    const { value } = polled.answer;
    if (value !== undefined) past.take(value.metrics, Date.now());
  });
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
        <Fact name={`lines of the last ${overview.value?.minutes ?? 5} min`}>
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

async function lastHourOf(slug: string, metric: string): Promise<Points> {
  const path = `/api/history/${encodeURIComponent(slug)}/${encodeURIComponent(metric)}`;
  const response = await fetch(path).catch(() => undefined);
  if (response?.ok !== true) return [];
  return ((await response.json()) as MetricHistory).points;
}
