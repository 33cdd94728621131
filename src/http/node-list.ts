import type { NodeIdentity } from "../nodes/identity.js";
import { type Answer, busyAnswer } from "./answer.js";
import type { EndpointRequest } from "./endpoint-options.js";
import { escapeHtml, PageTemplate } from "./html.js";
import { Accept } from "./negotiation.js";
import type { NodesView } from "./nodes-view.js";
import { plainPageStyle } from "./page-style.js";

const template = new PageTemplate(plainPageStyle);

/** The page `/` of both endpoints: links to the nodes, or JSON `{name: "/slug"}` if Accept names it or is absent. */
export async function nodeList(request: EndpointRequest, view: NodesView, title: string): Promise<Answer> {
  const isJson = new Accept(request.headers.accept).prefers("application/json", "text/html");
  const body = await request.bodies.get({
    key: isJson ? "list as JSON" : "list as HTML",
    version: undefined,
    gzip: request.gzip,
    make: () => {
      const nodes = [...view.nodes()].map(({ node }) => node);
      return {
        bytes: 10_000 + nodes.length * 3_000,
        pieces: () => (isJson ? jsonPieces(nodes) : template.pieces(title, itemPieces(nodes, title))),
      };
    },
  });
  if (body === undefined) return busyAnswer();
  return isJson ? { status: 200, contentType: "application/json", body } : template.answer(body);
}

function* jsonPieces(nodes: readonly NodeIdentity[]): Generator<string> {
  yield "{";
  for (const [index, { name, slug }] of nodes.entries()) {
    yield `${index === 0 ? "" : ","}${JSON.stringify(name)}:${JSON.stringify(`/${slug}`)}`;
  }
  yield "}";
}

function* itemPieces(nodes: readonly NodeIdentity[], title: string): Generator<string> {
  yield `<main>\n<h1>${escapeHtml(title)}</h1>\n`;
  if (nodes.length === 0) {
    yield "<p>There are no connected nodes yet.</p>\n</main>";
    return;
  }
  yield `<ul class="nodes">\n`;
  for (const { name, slug } of nodes) yield `<li><a href="/${slug}">${escapeHtml(name)}</a></li>\n`;
  yield "</ul>\n</main>";
}
