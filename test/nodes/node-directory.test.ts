import { expect, test } from "vitest";
import { type NameHolder, NodeDirectory } from "../../src/nodes/node-directory.js";

class Holder implements NameHolder {
  closedFor: string | undefined;
  timesAsked = 0;
  timesSuspected = 0;
  readonly connectionId: string;
  readonly address: string;
  readonly #alive: boolean | Promise<boolean>;

  constructor(
    connectionId: string,
    { alive = true, address = "unix" }: { alive?: boolean | Promise<boolean>; address?: string } = {},
  ) {
    this.connectionId = connectionId;
    this.address = address;
    this.#alive = alive;
  }

  async isAlive(): Promise<boolean> {
    this.timesAsked += 1;
    return this.#alive;
  }

  suspect(): void {
    this.timesSuspected += 1;
  }

  async close(reason: string): Promise<void> {
    this.closedFor = reason;
  }
}

test("the first connection of a name keeps it, and a later one gets its id appended everywhere", async () => {
  const directory = new NodeDirectory();
  const first = await directory.claim(new Holder("unix-1"), "Relay");
  const second = await directory.claim(new Holder("unix-2"), "Relay");
  expect(first).toEqual({ connectionId: "unix-1", name: "Relay", directory: "Relay", slug: "relay" });
  expect(second).toEqual({
    connectionId: "unix-2",
    name: "Relay_unix-2",
    directory: "Relay_unix-2",
    slug: "relay-unix-2",
  });
});

test("names that differ only in what their slug omits share only the slug: the later one's has its id", async () => {
  const directory = new NodeDirectory();
  const first = new Holder("unix-1");
  await directory.claim(first, "a b");
  const later = new Holder("unix-2");
  expect(await directory.claim(later, "a-b")).toEqual({
    connectionId: "unix-2",
    name: "a-b",
    directory: "a-b",
    slug: "a-b-unix-2",
  });
  expect(first.timesAsked).toBe(0);
  expect(directory.clashOf(first)).toBeUndefined();
  expect(directory.clashOf(later)).toMatchObject({
    of: "slug",
    wanted: { slug: "a-b" },
    holder: { name: "a_b" },
  });
});

test("a suffixed slug that is already in use is changed once more", async () => {
  const directory = new NodeDirectory();
  await directory.claim(new Holder("unix-1"), "a b");
  await directory.claim(new Holder("unix-3"), "a-b-unix-2");
  const { slug } = await directory.claim(new Holder("unix-2"), "a-b");
  expect(["a-b", "a-b-unix-2"]).not.toContain(slug);
});

test("names that differ only in their path do not share a directory", async () => {
  const directory = new NodeDirectory();
  const first = await directory.claim(new Holder("unix-1"), "a/node");
  const second = await directory.claim(new Holder("unix-2"), "b/node");
  expect(first.directory).toBe("node");
  expect(second.directory).not.toBe("node");
});

test.each(["metrics", "targets", "livez", "readyz", "healthz"])(
  "%s is a route and cannot be a node's slug; the node keeps its name and directory",
  async (name) => {
    const directory = new NodeDirectory();
    const holder = new Holder("unix-1");
    const node = await directory.claim(holder, name);
    expect(node).toEqual({ connectionId: "unix-1", name, directory: name, slug: `${name}-unix-1` });
    expect(directory.clashOf(holder)).toMatchObject({ of: "slug", holder: undefined });
  },
);

test.each(["node", "nodes", "api", "timeseries"])(
  "%s is no route where nodes have theirs, so a node may have it",
  async (name) => {
    const directory = new NodeDirectory();
    const holder = new Holder("unix-1");
    expect(await directory.claim(holder, name)).toMatchObject({ directory: name, slug: name });
    expect(directory.clashOf(holder)).toBeUndefined();
  },
);

test("a newcomer from another address does not take over a silent holder's name, but the holder is watched from then on", async () => {
  const directory = new NodeDirectory();
  const silent = new Holder("10.0.0.1-1", { alive: false, address: "10.0.0.1" });
  await directory.claim(silent, "relay");
  const node = await directory.claim(new Holder("10.6.6.6-1", { address: "10.6.6.6" }), "relay");
  expect(node.directory).toBe("relay_10.6.6.6-1");
  expect(silent).toMatchObject({ closedFor: undefined, timesAsked: 0, timesSuspected: 1 });
});

test("a stop while a holder is asked whether it lives disconnects nobody", async () => {
  const directory = new NodeDirectory();
  let answer: (isAlive: boolean) => void = () => {};
  const holder = new Holder("unix-1", {
    alive: new Promise((resolve) => {
      answer = resolve;
    }),
  });
  await directory.claim(holder, "relay");
  const claimed = directory.claim(new Holder("unix-2"), "relay");
  directory.stop();
  answer(false);
  expect((await claimed).name).toBe("relay_unix-2");
  expect(holder.closedFor).toBeUndefined();
});

test("a clash of directories names their owner", async () => {
  const directory = new NodeDirectory();
  await directory.claim(new Holder("unix-1"), "relay");
  const later = new Holder("unix-2");
  await directory.claim(later, "relay");
  expect(directory.clashOf(later)).toMatchObject({
    of: "directory",
    wanted: { name: "relay" },
    holder: { connectionId: "unix-1" },
  });
});

test("a dead holder of the name is closed, and the new connection gets the plain name", async () => {
  const directory = new NodeDirectory();
  const dead = new Holder("unix-1", { alive: false });
  await directory.claim(dead, "relay");
  const node = await directory.claim(new Holder("unix-2"), "relay");
  expect(node.name).toBe("relay");
  expect(dead.closedFor).toContain("unix-2");
});

test("of two that claim a dead holder's name at once, one gets it and the other has its id appended", async () => {
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

test("a suffixed name that is already in use is changed once more", async () => {
  const directory = new NodeDirectory();
  await directory.claim(new Holder("unix-1"), "relay");
  await directory.claim(new Holder("unix-5"), "relay_unix-2");
  const node = await directory.claim(new Holder("unix-2"), "relay");
  const others = [...directory.connected()].map(([, { directory: taken }]) => taken);
  expect(new Set(others).size).toBe(3);
  expect(node.directory).not.toBe("relay_unix-2");
});

test("if another tracer writes in a node's directory, the node gets the suffix, and its claim ends when it leaves", async () => {
  const theirs = new Set(["relay", "relay_unix-1"]);
  const claimed: string[] = [];
  const left: string[] = [];
  const directory = new NodeDirectory(async (name) => {
    claimed.push(name);
    return theirs.has(name) ? { tracer: "process 7" } : { release: () => void left.push(name) };
  });
  const holder = new Holder("unix-1");
  const identity = await directory.claim(holder, "relay");
  expect(identity).toMatchObject({ name: "relay_unix-1_2", directory: "relay_unix-1_2" });
  expect(claimed).toEqual(["relay", "relay_unix-1", "relay_unix-1_2"]);
  expect(directory.clashOf(holder)).toMatchObject({
    of: "directory",
    holder: undefined,
    tracer: "process 7",
  });
  expect(left).toEqual([]);
  directory.release(holder);
  expect(left).toEqual(["relay_unix-1_2"]);
});

test("a node that leaves while its directory is being claimed leaves it to other tracers", async () => {
  let left = 0;
  const holder = new Holder("unix-1");
  const directory = new NodeDirectory(async () => {
    directory.release(holder);
    return {
      release: () => {
        left += 1;
      },
    };
  });
  await directory.claim(holder, "relay");
  expect(left).toBe(1);
  expect([...directory.connected()]).toEqual([]);
});

test("if every name belongs to another tracer, the last one is used and its lines wait", async () => {
  const directory = new NodeDirectory(async () => ({ tracer: "process 7" }));
  const { directory: last } = await directory.claim(new Holder("unix-1"), "relay");
  expect(last).toBe("relay_unix-1_10");
});
