import { writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { sentByAccount } from "../../src/verification/sent-account.js";
import { verify } from "../../src/verification/verify.js";
import { Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";

const rounds = 50;
const names = ["a", "b", "c", "d"];
/** What one node may have given and the killed daemon not written: all that was asked ahead, and what the sockets held. */
const mostOnTheWay = 64 * 100;

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const seed = Number(process.env.MUNINN_SEED ?? Date.now() % 1_000_000);

test(`${rounds} kills at random moments under load double nothing, mix nothing, and lose only what was on its way ` +
  `(MUNINN_SEED=${seed})`, { timeout: 300_000 }, async () => {
  const random = randomFrom(seed);
  await using place = await Workplace.open();
  const rotation = { rpFrequencySecs: 1, rpLogLimitBytes: 300_000, rpKeepFilesNum: 100_000 };
  const nodes = await Promise.all(
    names.map((name) => nodeAt(place.socket, { name, size: 300, rate: 20_000 })),
  );
  for (let round = 0; round < rounds; round += 1) {
    const before = nodes.map((node) => node.report().objectsSent);
    const daemon = await place.start({ rotation });
    await eventually(() =>
      expect(nodes.every((node, index) => node.report().objectsSent > before[index]!)).toBe(true),
    );
    await pause(random() * 200);
    await daemon.kill();
  }
  const last = await place.start({ rotation });
  await Promise.all(nodes.map((node) => node.stop()));
  expect(await last.stop()).toBe(0);

  const accounts = nodes.map((node, index) => ({ ...node.report(), name: names[index], thrownAway: 0 }));
  await writeFile(place.path("account.json"), JSON.stringify({ nodes: accounts }));
  const sent = await sentByAccount(place.path("account.json"), () => {});
  const verdict = await verify({ sent: sent!, logs: [place.logRoot], window: 2_000_000 });
  expect(verdict.nodes.map(({ node }) => node)).toEqual(names);
  for (const { node, lost, doubled, disordered, torn, foreign, places } of verdict.nodes) {
    expect({ node, doubled, disordered, foreign, places }).toMatchObject({
      doubled: 0,
      disordered: 0,
      foreign: 0,
    });
    expect(torn).toBeLessThanOrEqual(rounds);
    expect(lost).toBeLessThanOrEqual(rounds * mostOnTheWay);
  }
  // It is no loss of a whole round or more that the bound above hides.
  const objectsSent = accounts.reduce((sum, account) => sum + account.objectsSent, 0);
  const lost = verdict.nodes.reduce((sum, node) => sum + node.lost, 0);
  expect(lost).toBeLessThan(objectsSent / 2);
});
