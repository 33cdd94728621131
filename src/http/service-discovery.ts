import { type Answer, jsonAnswer, textAnswer } from "./answer.js";
import type { EndpointRequest } from "./endpoint-options.js";
import { Accept } from "./negotiation.js";
import type { NodesView } from "./nodes-view.js";

/** A name or IPv4 address, or an IPv6 address in brackets, and perhaps a port. */
const hostAndPort = /^(?:[A-Za-z0-9._~-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** `/targets`: Prometheus' HTTP service discovery, one target a node. */
export function targets(
  request: EndpointRequest,
  view: NodesView,
  labels: Readonly<Record<string, string>>,
): Answer {
  if (new Accept(request.headers.accept).quality("application/json") === 0) {
    return textAnswer(415, "Only application/json");
  }
  const host = hostOf(request);
  return jsonAnswer(
    200,
    [...view.nodes()].map(({ node }) => ({
      targets: [host],
      // Ours last: without the path or the name of each node the targets would be one and the same.
      labels: { ...labels, __metrics_path__: `/${node.slug}`, node_name: node.name },
    })),
  );
}

/** How the client, or the proxy before us, calls us; the address it reached where it sends anything strange. */
function hostOf({ headers, localAddress }: EndpointRequest): string {
  const forwarded = headers["x-forwarded-host"]?.toString().split(",")[0]?.trim();
  return (
    [forwarded, headers.host].find((host) => host !== undefined && hostAndPort.test(host)) ?? localAddress
  );
}
