import { expect, test } from "vitest";
import { eventually } from "../../src/testing/entry.js";
import { Workplace } from "../end-to-end/daemon.js";

type Line = { readonly ns: string; readonly data: Record<string, unknown> };

test("Muninn's own log does not feed itself at level debug with a new file for each line, nor after a SIGHUP", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({
    verbosity: "Maximum",
    rotation: { rpFrequencySecs: 1, rpLogLimitBytes: 1, rpMaxAgeHours: 1, rpKeepFilesNum: 10 },
    muninn: { selfTrace: true },
  });
  const told = async () =>
    (await place.linesOf("muninn").catch(() => [])).map((text) => JSON.parse(text) as Line);
  const count = async (ns: string) => (await told()).filter((line) => line.ns === ns).length;
  await eventually(async () => expect(await count("Muninn.Started")).toBe(1));
  // Two files are full of its lines, and each time a line says that another file is started.
  for (const round of [1, 2]) {
    await eventually(() =>
      expect(daemon.log.filter(({ event }) => event === "log_rotated").length).toBeGreaterThanOrEqual(round),
    );
    daemon.signal("SIGHUP");
    await eventually(async () => expect(await count("Muninn.Reloaded")).toBe(round));
  }
  const lines = await told();
  expect(lines.filter(({ ns }) => ns === "Muninn.LogRotated")).toEqual([]);
  expect(lines.filter(({ data }) => JSON.stringify(data).includes("muninn/node"))).toEqual([]);
  expect(await daemon.stop()).toBe(0);
});
