import { EventEmitter } from "node:events";
import { connect } from "node:net";
import { expect, test, vi } from "vitest";
import { answers } from "../../src/registry/claim-socket.js";

vi.mock("node:net", async (original) => ({ ...(await original<object>()), connect: vi.fn() }));

test.each([
  [undefined, true],
  // Its backlog is full, so somebody listens.
  ["EAGAIN", true],
  ["ECONNREFUSED", false],
  ["ENOENT", false],
  ["EACCES", undefined],
])("a socket whose connection ends with %s tells of a living tracer: %s", async (code, isAlive) => {
  const destroy = vi.fn();
  const connection = Object.assign(new EventEmitter(), { destroy });
  vi.mocked(connect).mockReturnValueOnce(connection as never);
  const answered = answers("/logs/.muninn/a.sock");
  if (code === undefined) connection.emit("connect");
  else connection.emit("error", Object.assign(new Error(code), { code }));
  expect(await answered).toBe(isAlive);
  expect(destroy).toHaveBeenCalledTimes(code === undefined ? 1 : 0);
});

test("a path that is too long for a socket tells nothing", async () => {
  expect(await answers(`/${"x".repeat(107)}`)).toBeUndefined();
});
