import { readdirSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { FakeClock } from "./fake-clock.js";
import { eventually, passPause, temporaryDirectory, testRegistry, watch } from "./test-registry.js";

// Some file systems cannot hold sockets; none of them is available here.
vi.mock("../../src/registry/claim-socket.js", async (importOriginal) => ({
  ...(await importOriginal<typeof import("../../src/registry/claim-socket.js")>()),
  listenAsSignOfLife: async () => undefined,
}));

const identity = "AcceptAt unix:/run/first.sock";

function onlyClaimFile(root: string): string {
  const [name, ...others] = readdirSync(join(root, ".muninn"));
  expect(others).toEqual([]);
  return join(root, ".muninn", name!);
}

test("on a file system without sockets, heartbeats alone refuse the same configuration", async () => {
  const root = temporaryDirectory();
  const first = await testRegistry({ roots: [root], identity });
  const path = onlyClaimFile(root);
  const clock = new FakeClock();
  const second = testRegistry({ roots: [root], identity, clock });
  const refused = expect(second).rejects.toMatchObject({
    fault: { code: "already-running", by: { pid: process.pid, identity } },
  });
  await eventually(() => clock.pauses.length > 0);
  await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  const before = statSync(path).mtimeMs;
  first.clock.advance(10_000);
  await eventually(() => statSync(path).mtimeMs > before);
  await passPause(clock);
  await refused;
  expect(onlyClaimFile(root)).toBe(path);
});

test("on a file system without sockets, a directory belongs to another tracer until half a minute after its last heartbeat", async () => {
  const root = temporaryDirectory();
  const first = await testRegistry({ roots: [root] });
  await first.registry.claim("a");
  const path = onlyClaimFile(root);
  const clock = new FakeClock();
  const opening = testRegistry({ roots: [root], clock });
  const opened = watch(opening);
  await eventually(() => clock.pauses.length > 0);
  utimesSync(path, new Date(), new Date(Date.now() + 10));
  await passPause(clock);
  await eventually(() => opened.isSettled);
  const { registry } = await opening;
  expect(await registry.claim("a")).toMatchObject({ state: "taken" });
  clock.advance(29_000);
  expect(await registry.claim("a")).toMatchObject({ state: "taken" });
  clock.advance(2_000);
  expect(await registry.claim("a")).toMatchObject({ state: "ours" });
});
