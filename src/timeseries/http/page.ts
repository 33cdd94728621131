import type { Answer } from "../../http/answer.js";
import { escapeHtml, PageTemplate } from "../../http/html.js";
import { plainPageStyle } from "../../http/page-style.js";
import type { Timeseries } from "../timeseries.js";
import { examples } from "./examples.js";

const template = new PageTemplate(plainPageStyle);

/** The page at the root, which explains how to query. */
export function queryPage(timeseries: Timeseries): Answer {
  const items = examples(timeseries.metrics()).map(({ query, says }) => {
    const link = `/timeseries/query?query=${encodeURIComponent(query)}`;
    return `<li><a href="${escapeHtml(link)}"><code>${escapeHtml(query)}</code><br>${escapeHtml(says)}</a></li>`;
  });
  const curl = `curl --data-urlencode 'query=${examples(timeseries.metrics())[0]!.query}' http://HOST:PORT/timeseries/query`;
  return template.page(
    "Timeseries",
    `<main>
<h1>Timeseries</h1>
<p>${escapeHtml(reach(timeseries))}</p>
<p>Ask with GET or POST at <code>/timeseries/query</code>; the query is the parameter <code>query</code>, percent-encoded:
<code>${escapeHtml(curl)}</code></p>
<ul class="nodes">
${items.join("\n")}
<li><a href="/timeseries/query?query=metrics"><code>metrics</code><br>the names of all metrics</a></li>
<li><a href="/timeseries/nodes">/timeseries/nodes<br>the nodes that are connected</a></li>
</ul>
<p>For Grafana there is the data source <code>iog-cardanotimeseries-datasource</code>. The whole language is explained in
<code>docs/timeseries.md</code>.</p>
</main>`,
  );
}

function reach(timeseries: Timeseries): string {
  const { points, series, reachesBackTo } = timeseries.stats();
  if (reachesBackTo === undefined) return "There are no points yet.";
  return `${points} points of ${series} series, back to ${new Date(reachesBackTo).toISOString()}.`;
}
