import type { NodeIdentity } from "../nodes/identity.js";
import type { Answer } from "./answer.js";
import { builtPage } from "./built-page.js";
import type { EndpointRequest } from "./endpoint-options.js";

const withoutScript =
  "This page needs JavaScript; with the header <code>Accept: application/json</code> its address gives the same values.";

/** The live page of one node; what it shows comes later, by WebSocket at the page's own address. */
export function ekgPage(request: EndpointRequest, { name }: NodeIdentity): Promise<Answer> {
  return builtPage(request, { title: `${name} – EKG`, ekgNode: name, withoutScript });
}
