import { expect, test } from "vitest";
import { BodyBudget } from "../../src/http/body-budget.js";
import { nodeList } from "../../src/http/node-list.js";
import { SharedBodies } from "../../src/http/shared-bodies.js";
import { viewedNode, viewOf } from "./nodes.js";

test("a request for the list as a page gets a page while another gets JSON", async () => {
  const bodies = new SharedBodies(new BodyBudget({ maxBytes: 1_000_000 }));
  const view = viewOf([viewedNode("relay", "relay")]);
  const list = async (accept: string) => {
    const gone = new AbortController().signal;
    const usual = { method: "GET", path: "/", query: "", body: "", localAddress: "", gzip: false, gone };
    const { body } = await nodeList({ ...usual, headers: { accept }, bodies }, view, "Nodes");
    return typeof body === "string" ? body : Buffer.concat(body.chunks).toString();
  };
  const [json, page] = await Promise.all([list("application/json"), list("text/html")]);
  expect(JSON.parse(json)).toEqual({ relay: "/relay" });
  expect(page).toContain("<html");
});
