import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { expect, onTestFailed, test } from "vitest";
import type { SimulatedNode } from "../../src/testing/simulated-node.js";
import type { NodeVerdict } from "../../src/verification/verdict.js";
import { Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";
import { verified } from "../end-to-end/verified.js";
import { chosenSeed, randomNumbers } from "./random.js";

const rounds = 50;
/** One round in this many is killed while it starts: it takes over the lock, closes torn ends and opens the listener. */
const startingEvery = 5;
const longestStartMs = 400;
/** The most objects of all nodes together in a round. */
const mostObjects = 5_000;

const requestCount = 50;
const requestsAhead = 4;
/** Objects requested and not yet safe; a killed tracer loses no more of a node. */
const mostInFlight = requestCount * requestsAhead;

const sizes = new Map([
  ["short", 120],
  ["usual", undefined],
  ["steady", 300],
  ["long", 10_000],
]);

test(`after each of ${rounds} random kill -9 under load a node lacks at most its last objects in flight, and none is doubled or swapped`, {
  timeout: 300_000,
}, async () => {
  const seed = chosenSeed();
  onTestFailed(() => console.error(`to repeat this run: MUNINN_SEED=${seed}`));
  const random = randomNumbers(seed);
  await using place = await Workplace.open();
  const config = {
    loRequestNum: requestCount,
    rotation: { rpFrequencySecs: 1, rpLogLimitBytes: 50_000, rpKeepFilesNum: 10_000 },
    muninn: { requestsAhead },
  };
  const nodes = new Map<string, SimulatedNode>();
  for (const [name, size] of sizes) nodes.set(name, await nodeAt(place.socket, { name, size }));
  const objectsSent = () => [...nodes.values()].reduce((sum, node) => sum + node.report().objectsSent, 0);

  /** How many objects each node had sent whenever the tracer was killed. */
  const kills = new Map([...nodes.keys()].map((name) => [name, [] as number[]]));
  let tornClosed = 0;
  for (let round = 0; round < rounds; round += 1) {
    const until = objectsSent() + random(mostObjects);
    const daemon = await place.launch(config);
    if (round % startingEvery === 0) await pause(random(longestStartMs));
    else while (objectsSent() < until) await nextTurn();
    await daemon.kill();
    tornClosed += daemon.log.filter(({ event }) => event === "torn_line_closed").length;
    for (const [name, node] of nodes) {
      // From here on it accepts no object that the killed one had requested.
      node.disconnect();
      kills.get(name)!.push(node.report().objectsSent);
    }
  }
  const last = await place.start(config);
  const before = objectsSent();
  while (objectsSent() < before + mostObjects) await nextTurn();
  expect(await last.stop()).toBe(0);
  tornClosed += last.log.filter(({ event }) => event === "torn_line_closed").length;
  await Promise.all([...nodes.values()].map((node) => node.stop()));

  const verdicts = await verified(place, nodes);
  expect([...verdicts.keys()].sort()).toEqual([...nodes.keys()].sort());
  for (const [name, verdict] of verdicts) expectOnlyLossesOnTheWay(verdict, kills.get(name)!);
  const torn = [...verdicts.values()].reduce((sum, verdict) => sum + verdict.torn, 0);
  expect(torn).toBeGreaterThanOrEqual(tornClosed);
  expect(torn).toBeLessThanOrEqual(rounds * nodes.size);
});

/** Fails unless the lost objects are the last ones sent before a kill, and no more than can have been in flight. */
function expectOnlyLossesOnTheWay(verdict: NodeVerdict, kills: readonly number[]): void {
  const { doubled, disordered, foreign } = verdict;
  expect({ doubled, disordered, foreign }).toEqual({ doubled: 0, disordered: 0, foreign: 0 });
  for (const { defect, sent, file, line } of verdict.places) {
    if (defect !== "lost") continue;
    const { first } = sent!;
    const end = first + sent!.count;
    const where = `lost before ${file}:${line}`;
    expect(kills, where).toContain(end);
    // Two kills with nothing written between them leave one gap.
    const begins = [first, ...kills.filter((kill) => kill > first && kill < end)];
    for (const begin of begins) {
      const kill = kills.find((sentThen) => sentThen > begin)!;
      expect(kill - begin, where).toBeLessThanOrEqual(mostInFlight);
    }
  }
}
