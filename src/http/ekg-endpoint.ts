import type { Answer } from "./answer.js";
import { renderBody } from "./body.js";
import { ekgJson } from "./ekg-json.js";
import { ekgPage } from "./ekg-page.js";
import type { EndpointOptions, EndpointRequest } from "./endpoint-options.js";
import { type EndpointServer, openEndpointServer } from "./endpoint-server.js";
import { LiveViewers } from "./live-viewers.js";
import { Accept, acceptsGzip } from "./negotiation.js";
import { nodeList } from "./node-list.js";
import type { NodesView, ViewedNode } from "./nodes-view.js";

/** Serves `/` (list of nodes) and each node at `/<slug>`: nested JSON, or a live page for browsers. */
export function openEkgEndpoint(
  options: EndpointOptions & { readonly nodes: NodesView },
): Promise<EndpointServer> {
  const viewers = new LiveViewers(options.nodes);
  return openEndpointServer({
    ...options,
    route: (request) => answer(request, options.nodes),
    upgrade: (message, socket, head, path) => viewers.take(message, socket, head, path.slice(1)),
    onStop: () => viewers.stop(),
  });
}

function answer(request: EndpointRequest, nodes: NodesView): Answer | undefined | Promise<Answer> {
  if (request.path === "/") return nodeList(request, nodes, "EKG metrics");
  const viewed = nodes.bySlug(request.path.slice(1));
  if (viewed === undefined) return undefined;
  const json = new Accept(request.headers.accept).prefers("application/json", "text/html");
  return json ? metricsAnswer(request, viewed) : ekgPage(viewed.node);
}

async function metricsAnswer(request: EndpointRequest, { metrics }: ViewedNode): Promise<Answer> {
  const gzip = acceptsGzip(request.headers["accept-encoding"]?.toString());
  const { body } = await renderBody(ekgJson(metrics), { gzip });
  return { status: 200, contentType: "application/json", body };
}
