import { posix } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { requestedNames, withSuffix } from "../../src/nodes/names.js";

describe("what a node is called", () => {
  test.each([
    // raw name, name, directory, slug
    ["node-1", "node-1", "node-1", "node-1"],
    ["TxGenerator", "TxGenerator", "TxGenerator", "txgenerator"],
    ["127.0.0.1:30004", "127.0.0.1_30004", "127.0.0.1_30004", "127001-30004"],
    [`a"b'c:d@e f\tg`, "a_b_c_d_e_f_g", "a_b_c_d_e_f_g", "a-b-c-d-e-f-g"],
    ["what? a*star", "what_astar", "what_astar", "what-astar"],
    ["--node--", "node", "node", "node"],
    ["(relay) ", "relay", "relay", "relay"],
    ["/opt/ipc/pool/node.socket", "opt/ipc/pool/node.socket", "node.socket", "optipcpoolnodesocket"],
    ["../../etc", "etc", "etc", "etc"],
    ["a/../..", "a", "a", "a"],
    ["a/..b", "a/..b", "..b", "ab"],
    ["x/.muninn.lock", "x/.muninn.lock", "unix-7", "xmuninnlock"],
    ["x\0y", "x_y", "x_y", "x-y"],
    ["ノード", "ノード", "ノード", "unix-7"],
    ["Zürich 1", "Zürich_1", "Zürich_1", "zurich-1"],
  ])("%j", (raw, name, directory, slug) => {
    expect(requestedNames(raw, "unix-7")).toEqual({ name, directory, slug });
  });

  test.each([
    // Observed on a running cardano-tracer 0.5.0.
    ["127.0.0.1:30004", "127001-30004"],
    ["Relay_1", "relay-1"],
    ["A b", "a-b"],
    ["a__b", "a-b"],
    ["a--b", "a-b"],
    ["a_-_b", "a-b"],
    ["ünï", "uni"],
    ["Straße", "strae"],
    ["œuvre", "uvre"],
    ["ﬁx", "fix"],
    ["x/y/z", "xyz"],
    ["1_", "1"],
    ["日本", "unix-7"],
  ])("%j has the page /%s, as in cardano-tracer", (raw, slug) => {
    expect(requestedNames(raw, "unix-7").slug).toBe(slug);
  });

  test.each([undefined, "", ".", "..", "/", "  ", "🦆", "***"])("%j gives the connection's id", (raw) => {
    expect(requestedNames(raw, "unix-7")).toEqual({ name: "unix-7", directory: "unix-7", slug: "unix-7" });
  });

  test("a name of 300 characters is shortened to a directory of 200 bytes, different for each name", () => {
    const first = requestedNames("n".repeat(300), "unix-1");
    const second = requestedNames(`${"n".repeat(299)}m`, "unix-1");
    expect(first.name).toHaveLength(256);
    expect(first.name).not.toBe(second.name);
    expect(Buffer.byteLength(first.directory)).toBe(200);
    expect(Buffer.byteLength(second.directory)).toBe(200);
    expect(first.directory).not.toBe(second.directory);
  });

  test.each([
    ["dashes", "-"],
    ["ligatures", "ﬁ"],
    ["what goes", "*"],
    ["white space", " "],
  ])("a name of a million %s takes no longer than any other", (_, character) => {
    const { name, directory, slug } = requestedNames(`a${character.repeat(1_000_000)}b`, "unix-1");
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(256);
    expect(directory.length).toBeLessThanOrEqual(200);
    expect(slug.length).toBeLessThanOrEqual(200);
  });

  test("a directory is shortened between characters", () => {
    const { directory } = requestedNames("é".repeat(150), "unix-1");
    expect(Buffer.from(directory).toString()).toBe(directory);
    expect(directory).not.toContain("\uFFFD");
  });

  test("for any name the directory is one component below logRoot, and the slug is a plain word", () => {
    const anyText = fc.oneof(
      fc.string({ unit: "binary", maxLength: 400 }),
      fc.string({ unit: fc.constantFrom("/", ".", "a", " ", "\0", "\n", "é", "\ud800"), maxLength: 300 }),
    );
    fc.assert(
      fc.property(anyText, (raw) => {
        for (const names of [
          requestedNames(raw, "unix-3"),
          withSuffix(requestedNames(raw, "unix-3"), "unix-3"),
        ]) {
          const { directory, slug } = names;
          expect(posix.dirname(posix.join("/logs", directory))).toBe("/logs");
          expect(directory).not.toMatch(/[/\0]/);
          expect(["", ".", ".."]).not.toContain(directory);
          expect(Buffer.byteLength(directory)).toBeLessThanOrEqual(200);
          expect(Buffer.from(directory).toString()).toBe(directory);
          expect(slug).toMatch(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/);
        }
      }),
      { numRuns: 500 },
    );
  });
});
