import { renameSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { LogId } from "../../src/registry/handle-registry.js";
import {
  allText,
  eventually,
  fileNames,
  leaveFile,
  lines,
  nameAfter,
  startName,
  testRegistry,
  textOf,
} from "./test-registry.js";

const hour = 3_600;
const year = 365 * 24 * hour;
const start = Date.parse("2026-02-16T09:30:01Z") / 1_000;
const rules = { frequencyMs: 60_000, limitBytes: 1_000, maxAgeMs: hour * 1_000, keepFiles: 0 };

/** A file with one time in its name, and another as its last write; both in seconds after the start. */
function leave(log: LogId, named: number, written: number): string {
  const name = nameAfter(named, log.extension);
  utimesSync(leaveFile(log, name, "\n"), start + written, start + written);
  return name;
}

test("files from the future, and the one before them, expire by the time of their last write", async () => {
  const { registry, log } = await testRegistry({ rotation: rules });
  leave(log("a"), -50 * hour, -49 * hour);
  leave(log("a"), -40 * hour, -10 * hour);
  const kept = [leave(log("a"), -30 * hour, -0.5 * hour), leave(log("a"), year + 9, -0.9 * hour)];
  leave(log("b"), year, -2 * hour);
  const newest = [leave(log("a"), year + 10, -5 * hour), leave(log("b"), year + 20, -5 * hour)];
  await registry.expire();
  expect(fileNames(log("a"))).toEqual([...kept, newest[0]]);
  expect(fileNames(log("b"))).toEqual([newest[1]]);
});

test("as many files from the future are kept in addition to the newest as other files", async () => {
  const { registry, log } = await testRegistry({ rotation: { ...rules, keepFiles: 1 } });
  leave(log("a"), year, -5 * hour);
  const kept = [leave(log("a"), year + 1, -5 * hour), leave(log("a"), year + 2, -5 * hour)];
  await registry.expire();
  expect(fileNames(log("a"))).toEqual(kept);
});

test("a file also last written while the clock was wrong is as old as the file after it", async () => {
  const { registry, log } = await testRegistry({ rotation: rules });
  leave(log("a"), year, year);
  leave(log("a"), year + 1, -2 * hour);
  const kept = [leave(log("b"), year, year), leave(log("b"), year + 1, -0.5 * hour)];
  const newest = ["a", "b"].map((directory) => leave(log(directory), year + 2, 0));
  await registry.expire();
  expect(fileNames(log("a"))).toEqual([newest[0]]);
  expect(fileNames(log("b"))).toEqual([...kept, newest[1]]);
});

test("files from the future are reported once, and listed until they are gone", async () => {
  const { registry, log, events, root, clock } = await testRegistry({ rotation: rules });
  leave(log("a"), year, 0);
  leave(log("b", "log"), year + 5, 0);
  leave(log("b"), 50, 0);
  await registry.expire();
  await registry.expire();
  const latest = join(root, "b", nameAfter(year + 5, "log"));
  expect(events).toEqual([["filesFromFuture", root, 2, latest]]);
  expect(registry.expiryFaults()).toEqual([{ root, code: "from-the-future", count: 2, latest }]);
  clock.jump(2 * year * 1_000);
  await registry.expire();
  expect(registry.expiryFaults()).toEqual([]);
});

test("a log continues in order after a file from the future; once that is moved away, names have the true time again", async () => {
  const { registry, log, clock } = await testRegistry({ rotation: { ...rules, limitBytes: 2 } });
  leave(log("a"), year, 0);
  const next = async (text: string) => {
    clock.advance(1_000);
    await registry.append(log("a"), lines(text));
  };
  await next("1");
  await next("2");
  expect(textOf(log("a"), nameAfter(year))).toBe("\n1\n");
  expect(textOf(log("a"), nameAfter(year + 1))).toBe("2\n");
  for (const name of fileNames(log("a")))
    renameSync(join(log("a").root, "a", name), join(log("a").root, "a", `old-${name}`));
  await next("found to be moved");
  await next("3");
  expect(fileNames(log("a")).at(-1)).toBe(nameAfter(4));
});

test.each(["9999-12-31T23-59-59", "9999-12-31T00-00-00"])(
  "a file of %s stops no log, is never continued, and expires like others from the future",
  async (time) => {
    const { registry, log, clock } = await testRegistry({ rotation: { ...rules, limitBytes: 2 } });
    const path = leaveFile(log("a"), `node-${time}.json`, "not ours\n");
    utimesSync(path, start, start);
    await registry.append(log("a"), lines("1"));
    clock.advance(1_000);
    await registry.append(log("a"), lines("2"));
    expect(textOf(log("a"), startName)).toBe("1\n");
    expect(textOf(log("a"), nameAfter(1))).toBe("2\n");
    expect(textOf(log("a"), `node-${time}.json`)).toBe("not ours\n");
    await registry.expire();
    expect(registry.expiryFaults()).toMatchObject([{ code: "from-the-future", count: 1 }]);
    registry.setRotation(rules);
    clock.advance(9 * hour * 1_000);
    await registry.expire();
    await eventually(() => fileNames(log("a")).length === 1);
    expect(fileNames(log("a"))).toEqual([nameAfter(1)]);
  },
);

test("if a file of the year 9999 is the newest, the next newest is not deleted instead", async () => {
  const { registry, log } = await testRegistry({ rotation: rules });
  const newest = leave(log("a"), -9 * hour, -9 * hour);
  leaveFile(log("a"), "node-9999-12-31T23-59-59.json", "not ours\n");
  await registry.expire();
  expect(fileNames(log("a"))).toContain(newest);
  await registry.append(log("a"), lines("{}"));
  expect(textOf(log("a"), newest)).toBe("\n{}\n");
});

test("the name of a file moved away within the second is not used again", async () => {
  const { registry, log, root } = await testRegistry();
  // Nobody has acquired it, so it is forgotten in between.
  await registry.append(log("a"), lines("1"));
  renameSync(join(root, "a", startName), join(root, "a", "archived"));
  await registry.append(log("a"), lines("goes along"));
  await registry.append(log("a"), lines("2"));
  expect(fileNames(log("a"))).toEqual([nameAfter(1)]);
  expect(allText(log("a"))).toBe("2\n");
  expect(textOf(log("a"), "archived")).toBe("1\ngoes along\n");
});
