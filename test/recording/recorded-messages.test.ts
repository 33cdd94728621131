import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { ObjectCutter } from "../../src/recording/object-cutter.js";
import { type RecordedMessage, readRecordedMessages } from "../../src/recording/recorded-messages.js";
import { RecordingWriter } from "../../src/recording/recording-writer.js";

const vectors = fileURLToPath(new URL("../vectors/", import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-messages-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function readAll(file: string): Promise<{ found: RecordedMessage[]; remarks: string[] }> {
  const found: RecordedMessage[] = [];
  const remarks: string[] = [];
  for await (const item of readRecordedMessages(file, (text) => remarks.push(text))) found.push(item);
  return { found, remarks };
}

function objectsIn(found: readonly RecordedMessage[]): Buffer[] {
  return found.flatMap(({ message }) =>
    message.kind === "objects" ? message.objects.map((one) => Buffer.from(one)) : [],
  );
}

async function machineTexts(name: string): Promise<string[]> {
  const lines = (await readFile(join(vectors, `${name}.objects.jsonl`), "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line).machine);
}

const traceCases = ["small-session", "accept-250", "connect-250", "done-after-250"];

test.each(traceCases)("all trace objects of the recorded stream %s are read whole", async (name) => {
  const { found, remarks } = await readAll(join(vectors, `${name}.forwarder.bin`));
  const objects = objectsIn(found);
  const texts = await machineTexts(name);
  expect(remarks).toEqual([]);
  expect(objects).toHaveLength(texts.length);
  expect(objects.every((object, at) => object.includes(texts[at]!))).toBe(true);
  // Put into one reply they are, except for its head and end, all that the forwarder sends on the mini-protocol.
  const reply = encodeTraceReply(objects);
  expect(reply.length - 4).toBe(objects.reduce((sum, { length }) => sum + length, 0));
});

test.each([
  { name: "metrics-all", kind: "metrics" },
  { name: "data-points", kind: "data-points" },
])("the answers of the recorded stream $name are read", async ({ name, kind }) => {
  const { found } = await readAll(join(vectors, `${name}.forwarder.bin`));
  expect(found.filter(({ message }) => message.kind === kind).length).toBeGreaterThan(1);
});

test.each([...traceCases, "metrics-all", "metrics-names", "data-points"])(
  "the conversation %s, recorded in both directions and cut anywhere, gives the same as the forwarder's bytes alone",
  async (name) => {
    const file = join(vectors, `${name}.forwarder.bin`);
    const forwarder = await readFile(file);
    const acceptor = await readFile(join(vectors, `${name}.acceptor.bin`));
    const expected = (await readAll(file)).found.map(({ message }) => message);
    const forwarderIsListener = (forwarder[4]! & 0x80) !== 0;
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 9 }),
        async (sizes) => {
          runs += 1;
          const path = join(directory, `${name}-${runs}`);
          const writer = await RecordingWriter.open({ path, onTrouble: (text) => expect(text).toBe("") });
          writer.opened({ connection: 1, opener: "one", listener: "other" });
          const sides = [
            { sender: forwarderIsListener ? "listener" : "opener", bytes: forwarder, at: 0 },
            { sender: forwarderIsListener ? "opener" : "listener", bytes: acceptor, at: 0 },
          ] as const;
          const at = { opener: 0, listener: 0 };
          for (let turn = 0; sides.some(({ sender, bytes }) => at[sender] < bytes.length); turn += 1) {
            const { sender, bytes } = sides[turn % 2]!;
            const chunk = bytes.subarray(at[sender], at[sender] + sizes[turn % sizes.length]!);
            if (chunk.length > 0) writer.bytes(1, sender, at[sender], chunk);
            at[sender] += chunk.length;
          }
          await writer.stop();
          const { found, remarks } = await readAll(path);
          expect(remarks).toEqual([]);
          const objects = (items: readonly RecordedMessage[]) => Buffer.concat(objectsIn(items));
          const others = (items: readonly RecordedMessage["message"][]) =>
            items.filter(({ kind }) => kind !== "objects");
          const asHeard = expected.map((message) => ({ at: 0, connection: "", message }));
          expect(objects(found).equals(objects(asHeard))).toBe(true);
          expect(others(found.map(({ message }) => message))).toEqual(others(expected));
        },
      ),
      { numRuns: 5 },
    );
  },
);

test("a conversation with missing bytes is read up to the gap, which is reported once", async () => {
  const forwarder = await readFile(join(vectors, "accept-250.forwarder.bin"));
  const path = join(directory, "hole");
  const writer = await RecordingWriter.open({ path, onTrouble: () => {} });
  const isListener = (forwarder[4]! & 0x80) !== 0;
  const sender = isListener ? "listener" : "opener";
  for (const offset of [0, 20_000, 50_000, 70_000])
    writer.bytes(1, sender, offset, forwarder.subarray(offset, offset + 20_000));
  await writer.stop();
  const { found, remarks } = await readAll(path);
  const whole = objectsIn((await readAll(join(vectors, "accept-250.forwarder.bin"))).found);
  const objects = objectsIn(found);
  expect(objects.length).toBeGreaterThan(0);
  expect(objects).toEqual(whole.slice(0, objects.length));
  expect(remarks).toEqual(["connection 1: 10000 bytes are not in the recording; the rest of it is left out"]);
});

test("a stream that ends within an object gives the objects before it", async () => {
  const forwarder = await readFile(join(vectors, "small-session.forwarder.bin"));
  const path = join(directory, "short.bin");
  await writeFile(path, forwarder.subarray(0, forwarder.length - 2));
  expect(objectsIn((await readAll(path)).found)).toHaveLength(1);
});

const item = fc.uint8Array({ maxLength: 40 }).map((bytes) => {
  // An array of a byte string: any item that begins like an object.
  const head = bytes.length < 24 ? [0x81, 0x40 + bytes.length] : [0x81, 0x58, bytes.length];
  return Uint8Array.from([...head, ...bytes]);
});

/** Replies in the forms that real forwarders and acceptors use. */
function replyOf(objects: readonly Uint8Array[], form: "indefinite" | "definite" | "long"): Buffer {
  if (form === "indefinite") return Buffer.from(encodeTraceReply(objects));
  const head =
    form === "definite" ? [0x82, 3, 0x80 + objects.length] : [0x98, 2, 0x18, 3, 0x98, objects.length];
  return Buffer.concat([Uint8Array.from(head), ...objects]);
}

test("replies in any form, cut anywhere, give their objects", () => {
  const reply = fc.tuple(fc.array(item, { maxLength: 6 }), fc.constantFrom("indefinite", "definite", "long"));
  fc.assert(
    fc.property(fc.array(reply, { maxLength: 5 }), fc.integer({ min: 1, max: 30 }), (replies, size) => {
      const bytes = Buffer.concat(replies.map(([objects, form]) => replyOf(objects, form)));
      const cutter = new ObjectCutter({ maxObjectBytes: 100 });
      const found: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size)
        found.push(...cutter.push(bytes.subarray(at, at + size)));
      expect(found).toEqual(replies.flatMap(([objects]) => objects));
    }),
    { numRuns: 300 },
  );
});
