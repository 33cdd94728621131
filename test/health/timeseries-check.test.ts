import { expect, test } from "vitest";
import { type TimeseriesView, timeseriesCheck } from "../../src/health/timeseries-check.js";

const day = 86_400_000;

function found(view: Partial<{ [Name in keyof TimeseriesView]: ReturnType<TimeseriesView[Name]> }>) {
  const at = <Name extends keyof TimeseriesView>(name: Name, otherwise: ReturnType<TimeseriesView[Name]>) =>
    (name in view ? view[name] : otherwise) as ReturnType<TimeseriesView[Name]>;
  return timeseriesCheck({
    reachesBackTo: () => at("reachesBackTo", Date.UTC(2026, 1, 16, 9, 30)),
    evicted: () => at("evicted", 0),
    noRoomAt: () => at("noRoomAt", Number.NEGATIVE_INFINITY),
    retentionMs: () => at("retentionMs", day),
    loadedShare: () => at("loadedShare", 1),
    trouble: () => at("trouble", undefined),
  }).find();
}

test("the check reports how far back points reach", () => {
  expect(found({})).toEqual({ state: "ok", reason: "points reach back to 2026-02-16T09:30:00.000Z" });
  expect(found({ reachesBackTo: undefined })).toEqual({ state: "ok", reason: "there are no points yet" });
  expect(found({ loadedShare: 0.426 })).toEqual({
    state: "ok",
    reason: "older points are being loaded, 42 %",
  });
});

test("the check reports too little memory if points were deleted early", () => {
  const reachesBackTo = Date.now() - day / 2;
  expect(found({ reachesBackTo, evicted: 1 }).reason).toContain("muninn.timeseries.maxBytes is full");
  expect(found({ reachesBackTo, evicted: 0 }).reason).not.toContain("maxBytes");
  expect(found({ reachesBackTo, evicted: 1, retentionMs: day / 4 }).reason).not.toContain("maxBytes");
});

test("the check is degraded if points cannot be written, or damaged ones were found", () => {
  const writing = new Error("ENOSPC: no space left on device");
  expect(found({ trouble: { directory: "/ts", writing, refused: 0 } })).toMatchObject({
    state: "degraded",
    reason: expect.stringContaining("points cannot be written to /ts: ENOSPC"),
  });
  expect(found({ trouble: { directory: "/ts", writing: undefined, refused: 2 } })).toMatchObject({
    state: "degraded",
    reason: expect.stringContaining("2 damaged segments in /ts"),
  });
});

test("the check is degraded while metrics have no room", () => {
  expect(found({ noRoomAt: Date.now() - 1_000 })).toMatchObject({
    state: "degraded",
    reason: expect.stringContaining("some are not kept; points reach back to"),
    action: expect.stringContaining("muninn.timeseries.maxBytes"),
  });
  expect(found({ noRoomAt: Date.now() - 61_000 }).state).toBe("ok");
});
