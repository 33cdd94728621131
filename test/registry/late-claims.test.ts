import { expect, test, vi } from "vitest";
import { LogRoot } from "../../src/registry/log-root.js";
import { RootClaims } from "../../src/registry/root-claims.js";
import { settled, testRegistry, watch } from "./test-registry.js";

test("a claim that is decided after three seconds is not waited for, and released", async () => {
  const { registry, clock } = await testRegistry();
  const { claimDirectory } = LogRoot.prototype;
  let decide = () => {};
  const decided = new Promise<void>((resolve) => {
    decide = resolve;
  });
  const claiming = vi.spyOn(LogRoot.prototype, "claimDirectory").mockImplementation(async function (
    this: LogRoot,
    directory,
  ) {
    await decided;
    return claimDirectory.call(this, directory);
  });
  const release = vi.spyOn(RootClaims.prototype, "release");
  const claimed = registry.claim("relay");
  const state = watch(claimed);
  await settled();
  clock.advance(2_999);
  await settled();
  expect(state.isSettled).toBe(false);
  clock.advance(1);
  expect(await claimed).toMatchObject({ state: "ours" });
  expect(release).not.toHaveBeenCalled();
  decide();
  await settled();
  expect(release.mock.calls.map(([directory]) => directory)).toEqual(["relay"]);
  claiming.mockRestore();
  release.mockRestore();
});
