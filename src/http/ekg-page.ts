import type { NodeIdentity } from "../nodes/identity.js";
import type { Answer } from "./answer.js";
import { builtPage } from "./built-page.js";

const withoutScript =
  "This page needs JavaScript; with the header <code>Accept: application/json</code> its address gives the same values.";

/** The live page of one node; what it shows comes later, by WebSocket at the page's own address. */
export function ekgPage({ name }: NodeIdentity): Answer {
  return builtPage({ title: `${name} – EKG`, ekgNode: name, withoutScript });
}
