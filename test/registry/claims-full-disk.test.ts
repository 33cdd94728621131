import { expect, test, vi } from "vitest";
import { errno } from "./interposed-file-system.js";
import { testRegistry } from "./test-registry.js";

const fault = { code: "" };

// Claims bypass the file system that tests interpose; their socket is the first thing that needs room.
vi.mock("../../src/registry/claim-socket.js", async (importOriginal) => ({
  ...(await importOriginal<typeof import("../../src/registry/claim-socket.js")>()),
  listenAsSignOfLife: () => Promise.reject(errno(fault.code)),
}));

test.each(["ENOSPC", "EDQUOT"])(
  "a disk without room for claims (%s) does not prevent the start",
  async (code) => {
    fault.code = code;
    const { registry } = await testRegistry({ identity: "AcceptAt unix:/run/tracer.sock" });
    expect(registry.faults()).toEqual([]);
  },
);

test("any other fault of claims prevents the start", async () => {
  fault.code = "EACCES";
  await expect(testRegistry()).rejects.toMatchObject({ fault: { code: "root-unusable" } });
});
