import { expect, test } from "vitest";
import { runtimeOptionsNote, splitRuntimeOptions } from "../../src/daemon/ghc-runtime-options.js";
import { Workplace } from "../end-to-end/daemon.js";

test.each([
  ["none", "run -c f", "run -c f", ""],
  ["between", "-c f +RTS -A16m -N2 -RTS --state-dir d", "-c f --state-dir d", "-A16m -N2"],
  ["up to the end", "-c f +RTS -M8m", "-c f", "-M8m"],
  ["before all else", "+RTS -T -RTS -c f", "-c f", "-T"],
  ["more than once", "+RTS -T -RTS -c f +RTS -N1 -RTS", "-c f", "-T -N1"],
  ["empty", "-c f +RTS -RTS", "-c f", ""],
  ["none after --RTS, which goes itself", "+RTS -T --RTS -c +RTS", "-c +RTS", "-T"],
  ["none after --, which stays", "-c f -- +RTS -T", "-c f -- +RTS -T", ""],
])("options of GHC's runtime, %s, are removed as GHC removes them", (_, given, args, runtimeOptions) => {
  const words = (text: string) => text.split(" ").filter((word) => word !== "");
  expect(splitRuntimeOptions(words(given))).toEqual({
    args: words(args),
    runtimeOptions: words(runtimeOptions),
  });
});

test.each([
  ["-M4g", true],
  ["-M512m", true],
  ["-m3", false],
  ["-Mgrace=1m", false],
])("the report on a heap limit says what limits the heap here: %s", (option, says) => {
  expect(runtimeOptionsNote(["-T", option])).toContain(`are ignored: -T ${option}`);
  expect(runtimeOptionsNote(["-T", option]).includes("NODE_OPTIONS=--max-old-space-size=")).toBe(says);
});

test("muninn run accepts GHC's options among its own flags and logs one line about them at info", async () => {
  await using place = await Workplace.open();
  const flags = ["+RTS", "-T", "-A16m", "-M2g", "-RTS", "--state-dir", "state", "--min-log-severity", "Info"];
  const daemon = await place.start({}, { flags });
  expect(await daemon.stop()).toBe(0);
  expect(daemon.log.filter(({ event }) => event === "runtime_options_ignored")).toEqual([
    expect.objectContaining({
      level: "info",
      runtimeOptions: ["-T", "-A16m", "-M2g"],
      msg: expect.stringContaining("NODE_OPTIONS"),
    }),
  ]);
});

test("without GHC's options nothing is logged", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({}, { flags: ["+RTS", "-RTS"] });
  expect(await daemon.stop()).toBe(0);
  expect(daemon.log.filter(({ event }) => event === "runtime_options_ignored")).toEqual([]);
});
