import { statfs } from "node:fs/promises";
import { afterEach, expect, test, vi } from "vitest";
import { DiskSpace } from "../../src/health/disk-space.js";
import { eventually } from "../../src/testing/eventually.js";

vi.mock("node:fs/promises", async (original) => ({
  ...(await original<object>()),
  statfs: vi.fn(async () => ({ bsize: 10, blocks: 100, bfree: 20, bavail: 15, files: 50, ffree: 40 })),
}));

afterEach(() => {
  vi.restoreAllMocks();
});

test.each([
  [0, 200],
  [1_000, 150],
])(
  "user %i has %i bytes: only the superuser has the reserve of a file system",
  async (user, availableBytes) => {
    vi.spyOn(process, "geteuid").mockReturnValue(user);
    const disk = new DiskSpace({ path: "/logs" });
    await eventually(() =>
      expect(disk.reading).toEqual({ sizeBytes: 1_000, availableBytes, availableFiles: 40 }),
    );
    expect(statfs).toHaveBeenCalledWith("/logs");
    disk.stop();
  },
);
