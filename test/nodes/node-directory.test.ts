import { expect, test } from "vitest";
import { type NameHolder, NodeDirectory } from "../../src/nodes/node-directory.js";

class Holder implements NameHolder {
  closedFor: string | undefined;
  readonly connectionId: string;
  readonly #alive: boolean;

  constructor(connectionId: string, options: { alive: boolean } = { alive: true }) {
    this.connectionId = connectionId;
    this.#alive = options.alive;
  }

  async isAlive(): Promise<boolean> {
    return this.#alive;
  }

  async close(reason: string): Promise<void> {
    this.closedFor = reason;
  }
}

test("the first connection of a name keeps it, a later one gets its id appended everywhere", async () => {
  const directory = new NodeDirectory();
  const first = await directory.claim(new Holder("unix-1"), "Relay");
  const second = await directory.claim(new Holder("unix-2"), "Relay");
  expect(first).toEqual({ connectionId: "unix-1", name: "Relay", directory: "Relay", slug: "relay" });
  expect(second).toEqual({
    connectionId: "unix-2",
    name: "Relay_unix-2",
    directory: "Relay_unix-2",
    slug: "relay_unix-2",
  });
});

test("names that differ only in their slug's lost characters do not share a page", async () => {
  const directory = new NodeDirectory();
  await directory.claim(new Holder("unix-1"), "node.1");
  const second = await directory.claim(new Holder("unix-2"), "node1");
  expect(second.slug).not.toBe("node1");
});

test("names that differ only in their path do not share a directory", async () => {
  const directory = new NodeDirectory();
  const first = await directory.claim(new Holder("unix-1"), "a/node");
  const second = await directory.claim(new Holder("unix-2"), "b/node");
  expect(first.directory).toBe("node");
  expect(second.directory).not.toBe("node");
});

test.each(["metrics", "targets", "livez", "readyz", "healthz"])(
  "%s is a route and no node's slug",
  async (name) => {
    const node = await new NodeDirectory().claim(new Holder("unix-1"), name);
    expect(node.slug).toBe(`${name}_unix-1`);
  },
);

test("a dead holder of the name is closed and the new connection has the plain name", async () => {
  const directory = new NodeDirectory();
  const dead = new Holder("unix-1", { alive: false });
  await directory.claim(dead, "relay");
  const node = await directory.claim(new Holder("unix-2"), "relay");
  expect(node.name).toBe("relay");
  expect(dead.closedFor).toContain("unix-2");
});

test("of two that claim a dead holder's name at once, one has it and the other its id appended", async () => {
  const directory = new NodeDirectory();
  await directory.claim(new Holder("unix-1", { alive: false }), "relay");
  const nodes = await Promise.all([
    directory.claim(new Holder("unix-2"), "relay"),
    directory.claim(new Holder("unix-3"), "relay"),
  ]);
  expect(new Set(nodes.map((node) => node.directory)).size).toBe(2);
  expect(nodes.map((node) => node.name)).toContain("relay");
});

test("a released name is free again", async () => {
  const directory = new NodeDirectory();
  const first = new Holder("unix-1");
  await directory.claim(first, "relay");
  directory.release(first);
  expect((await directory.claim(new Holder("unix-2"), "relay")).name).toBe("relay");
});

test("a suffixed name that somebody else already has is made different once more", async () => {
  const directory = new NodeDirectory();
  await directory.claim(new Holder("unix-1"), "relay");
  await directory.claim(new Holder("unix-5"), "relay_unix-2");
  const node = await directory.claim(new Holder("unix-2"), "relay");
  const others = [...directory.connected()].map(([, { directory: taken }]) => taken);
  expect(new Set(others).size).toBe(3);
  expect(node.directory).not.toBe("relay_unix-2");
});
