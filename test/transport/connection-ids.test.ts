import fc from "fast-check";
import { expect, test } from "vitest";
import { ConnectionIds } from "../../src/transport/connection-ids.js";

test.each([
  { origin: "unix", id: "unix-1" },
  { origin: "10.0.0.7", id: "10.0.0.7-1" },
  { origin: "2001:db8::7", id: "2001-db8-7-1" },
  { origin: "::1", id: "1-1" },
  { origin: "/run/nodes/relay.sock", id: "run-nodes-relay.sock-1" },
  { origin: "../../etc", id: "etc-1" },
  { origin: "::", id: "peer-1" },
])("a connection from $origin is $id", ({ origin, id }) => {
  expect(new ConnectionIds().take(origin)).toBe(id);
});

test("a number is free again when its connection has ended, and the smallest is used first", () => {
  const ids = new ConnectionIds();
  const taken = Array.from({ length: 4 }, () => ids.take("unix"));
  expect(taken).toEqual(["unix-1", "unix-2", "unix-3", "unix-4"]);
  ids.giveBack("unix-3");
  ids.giveBack("unix-2");
  expect([ids.take("unix"), ids.take("unix"), ids.take("unix")]).toEqual(["unix-2", "unix-3", "unix-5"]);
});

test("each peer's connections are numbered separately", () => {
  const ids = new ConnectionIds();
  expect([ids.take("10.0.0.7"), ids.take("10.0.0.8"), ids.take("10.0.0.7")]).toEqual([
    "10.0.0.7-1",
    "10.0.0.8-1",
    "10.0.0.7-2",
  ]);
});

test("for any origins, ids in use differ and each is a plain directory name", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 150 })), (origins) => {
      const ids = new ConnectionIds();
      const taken = origins.map((origin) => ids.take(origin));
      expect(new Set(taken).size).toBe(taken.length);
      for (const id of taken) expect(id).toMatch(/^[A-Za-z0-9][A-Za-z0-9.-]{0,106}$/);
      for (const id of taken) ids.giveBack(id);
      expect(origins.map((origin) => ids.take(origin))).toEqual(taken);
    }),
  );
});
