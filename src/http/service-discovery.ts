import type { NodeIdentity } from "../nodes/identity.js";
import { type Answer, busyAnswer, textAnswer } from "./answer.js";
import type { EndpointRequest } from "./endpoint-options.js";
import { Accept } from "./negotiation.js";
import type { NodesView } from "./nodes-view.js";

/** A name, IPv4 address or bracketed IPv6 address, with an optional port. */
const hostAndPort = /^(?:[A-Za-z0-9._~-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

export interface TargetOptions {
  /** Added to every target. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether each target has a label `instance` of its own, the node's name. */
  readonly instanceLabel: boolean;
  /** Whether we speak TLS. */
  readonly isSecure: boolean;
}

/** `/targets`: Prometheus' HTTP service discovery, one target per node. */
export async function targets(
  request: EndpointRequest,
  view: NodesView,
  options: TargetOptions,
): Promise<Answer> {
  if (new Accept(request.headers.accept).quality("application/json") === 0) {
    return textAnswer(415, "Only application/json");
  }
  const host = hostOf(request);
  const isSecure = options.isSecure || forwarded(request, "x-forwarded-proto") === "https";
  const body = await request.bodies.get({
    key: `targets ${isSecure} ${host}`,
    version: undefined,
    gzip: request.gzip,
    make: () => {
      const nodes = [...view.nodes()].map(({ node }) => node);
      return {
        bytes: nodes.length * (1_000 + 2 * JSON.stringify(options.labels).length),
        pieces: () => targetPieces(nodes, host, { ...options, isSecure }),
      };
    },
  });
  return body === undefined ? busyAnswer() : { status: 200, contentType: "application/json", body };
}

function* targetPieces(
  nodes: readonly NodeIdentity[],
  host: string,
  options: TargetOptions,
): Generator<string> {
  yield "[";
  for (const [index, { name, slug }] of nodes.entries()) {
    const labels = {
      ...options.labels,
      // Our own labels take precedence: without the path or the name of each node all targets would be the same.
      ...(options.isSecure && { __scheme__: "https" }),
      ...(options.instanceLabel && { instance: name }),
      __metrics_path__: `/${slug}`,
      node_name: name,
    };
    yield `${index === 0 ? "" : ","}${JSON.stringify({ targets: [host], labels })}`;
  }
  yield "]";
}

/** The host that the client, or the proxy in front of us, asked for; if it is invalid, the address that was reached. */
function hostOf(request: EndpointRequest): string {
  const hosts = [forwarded(request, "x-forwarded-host"), request.headers.host];
  return hosts.find((host) => host !== undefined && hostAndPort.test(host)) ?? request.localAddress;
}

/** Each proxy appends the value that it was asked for, so the first is the client's own. */
function forwarded({ headers }: EndpointRequest, name: string): string | undefined {
  return headers[name]?.toString().split(",")[0]?.trim();
}
