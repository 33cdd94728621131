import { type Answer, textAnswer } from "../../http/answer.js";
import type { EndpointOptions, EndpointRequest, Route } from "../../http/endpoint-options.js";
import { type EndpointServer, openEndpointServer } from "../../http/endpoint-server.js";
import type { Timeseries } from "../timeseries.js";
import { done, nothing } from "./answers.js";
import { answerPruning, answerRetention } from "./config-routes.js";
import { type AskableNodes, answerNode, answerNodes } from "./node-routes.js";
import { queryPage } from "./page.js";
import { answerQuery } from "./query-route.js";

/** Longest body of a request: the longest query, percent-encoded. */
const maxRequestBytes = 262_144;

export interface TimeseriesEndpointOptions {
  readonly timeseries: Timeseries;
  readonly nodes: AskableNodes;
  /** The shortest retention that can be asked for: the pause between two answers of a node, in milliseconds. */
  readonly leastRetentionMs: number;
}

/** Serves cardano-tracer's API of timeseries below `/timeseries/`, and at `/` a page that explains how to query. */
export function openTimeseriesEndpoint(
  options: EndpointOptions & TimeseriesEndpointOptions,
): Promise<EndpointServer> {
  return openEndpointServer({ ...options, maxRequestBytes, route: timeseriesRoute(options) });
}

export function timeseriesRoute(options: TimeseriesEndpointOptions): Route {
  return (request) => {
    if (isForged(request)) return textAnswer(403, "Pages of other sites may not change anything here");
    return answer(options, request);
  };
}

function answer(
  { timeseries, nodes, leastRetentionMs }: TimeseriesEndpointOptions,
  request: EndpointRequest,
): Answer | Promise<Answer> {
  const { path } = request;
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (!isRead && request.method !== "POST") return nothing;
  switch (path) {
    case "/timeseries/query":
      return answerQuery(timeseries, request);
    case "/timeseries/config/retention":
      return answerRetention(timeseries.pruning, request, leastRetentionMs);
    case "/timeseries/config/pruning":
      return answerPruning(timeseries.pruning, request);
    case "/timeseries/prune":
      if (isRead) return nothing;
      timeseries.prune();
      return done;
  }
  if (!isRead) return nothing;
  if (path === "/") return queryPage(timeseries);
  if (path === "/timeseries/nodes") return answerNodes(nodes);
  const node = /^\/timeseries\/node\/(.+)$/.exec(path)?.[1];
  return node === undefined ? nothing : answerNode(nodes, node);
}

/** Browsers say where a request comes from; otherwise a form on any page could shorten the retention. */
function isForged({ method, headers }: EndpointRequest): boolean {
  return method === "POST" && headers["sec-fetch-site"] === "cross-site";
}
