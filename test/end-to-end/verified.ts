import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect } from "vitest";
import type { SimulatedNode } from "../../src/testing/simulated-node.js";
import type { NodeVerdict, Verdict } from "../../src/verification/verdict.js";
import { program, type Workplace } from "./daemon.js";

/** More places of one fault than any test makes. */
const allPlaces = "100000";

/** The verdict of `muninn verify` on the log directory, given the nodes' own reports; by name. */
export async function verified(
  place: Workplace,
  nodes: ReadonlyMap<string, SimulatedNode>,
): Promise<ReadonlyMap<string, NodeVerdict>> {
  const account = place.path("sent.json");
  const sent = [...nodes].map(([name, node]) => ({
    name,
    objectsSent: node.report().objectsSent,
    thrownAway: 0,
  }));
  await writeFile(account, JSON.stringify({ nodes: sent }));
  const verdict = await verdictOn(account, place.logRoot);
  return new Map(verdict.nodes.map((node) => [node.node, node]));
}

/**
 * Fails unless `muninn verify` finds everything that the node sent once and in order, except what was in flight when a
 * connection broke: at most one gap for each break, none at the end, and nothing torn.
 */
export async function expectLossesOnlyAtBreaks(
  place: Workplace,
  name: string,
  node: SimulatedNode,
): Promise<void> {
  const verdict = (await verified(place, new Map([[name, node]]))).get(name)!;
  const { sent, doubled, disordered, torn, foreign, places } = verdict;
  expect({ doubled, disordered, torn, foreign }).toEqual({ doubled: 0, disordered: 0, torn: 0, foreign: 0 });
  expect(places.length).toBeLessThan(node.report().connections);
  for (const { sent: gap } of places) expect(gap!.first + gap!.count).toBeLessThan(sent);
}

async function verdictOn(sent: string, logs: string): Promise<Verdict> {
  const flags = ["verify", "--sent", sent, "--logs", logs, "--places", allPlaces, "--json"];
  const run = promisify(execFile)(process.execPath, [program, ...flags], { maxBuffer: 64 * 1024 * 1024 });
  // Exit code 1 means that something is faulty, which the verdict says, too.
  const { stdout } = await run.catch((error) => {
    if (error.code === 1) return error;
    throw error;
  });
  return JSON.parse(stdout);
}
