import type { Answer } from "./answer.js";
import type { EndpointRequest } from "./endpoint-options.js";
import { escapeHtml, PageTemplate } from "./html.js";
import { Accept } from "./negotiation.js";
import type { NodesView } from "./nodes-view.js";
import { pageStyle } from "./page-style.js";

const template = new PageTemplate({ style: pageStyle });

/** The page `/` of both endpoints: links to the nodes, or JSON `{name: "/slug"}` where Accept names it or is absent. */
export function nodeList(request: EndpointRequest, view: NodesView, title: string): Answer {
  const nodes = [...view.nodes()].map(({ node }) => node);
  if (new Accept(request.headers.accept).prefers("application/json", "text/html")) {
    const paths = Object.fromEntries(nodes.map(({ name, slug }) => [name, `/${slug}`]));
    return { status: 200, contentType: "application/json", body: JSON.stringify(paths) };
  }
  const items = nodes.map(({ name, slug }) => `<li><a href="/${slug}">${escapeHtml(name)}</a></li>`);
  const list =
    items.length === 0
      ? "<p>There are no connected nodes yet.</p>"
      : `<ul class="nodes">\n${items.join("\n")}\n</ul>`;
  return template.page(title, `<main>\n<h1>${escapeHtml(title)}</h1>\n${list}\n</main>`);
}
