import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { readCertificate } from "../../src/config/certificate.js";
import { textAnswer } from "../../src/http/answer.js";
import { openEndpointServer } from "../../src/http/endpoint-server.js";
import { RecordTurns, recordTurns } from "../../src/http/record-turns.js";
import { received } from "./clients.js";
import { anyPort } from "./nodes.js";

const pem = (name: string) => fileURLToPath(new URL(`certificates/${name}.pem`, import.meta.url));

class Reader {
  isHeld = false;
  holds = 0;

  holdReading(): void {
    this.isHeld = true;
    this.holds += 1;
  }

  readOn(): void {
    this.isHeld = false;
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test("after 2,500 pieces in one turn nothing more is read of anybody until the next", async () => {
  const turns = new RecordTurns();
  const readers = [new Reader(), new Reader()];
  for (const reader of readers) turns.join(reader);
  for (let piece = 0; piece < 2_499; piece += 1) turns.took();
  expect(readers.map(({ isHeld }) => isHeld)).toEqual([false, false]);
  for (let piece = 0; piece < 1_000; piece += 1) turns.took();
  expect(readers.map(({ isHeld, holds }) => [isHeld, holds])).toEqual([
    [true, 1],
    [true, 1],
  ]);
  await nextTurn();
  expect(readers.map(({ isHeld }) => isHeld)).toEqual([false, false]);
});

test("fewer pieces in each of many turns hold up nobody, and neither is one who has left held", async () => {
  const turns = new RecordTurns();
  const [reader, gone] = [new Reader(), new Reader()];
  turns.join(reader);
  turns.join(gone);
  for (let turn = 0; turn < 3; turn += 1) {
    for (let piece = 0; piece < 2_000; piece += 1) turns.took();
    await nextTurn();
  }
  expect(reader.holds).toBe(0);
  turns.leave(gone);
  for (let piece = 0; piece < 2_500; piece += 1) turns.took();
  expect([reader.isHeld, gone.isHeld]).toEqual([true, false]);
});

test("a TLS client that sends its request in records of one byte waits for its turns, and is answered", async () => {
  const files = { certificateFile: pem("server"), certificateKeyFile: pem("server-key") };
  const server = await openEndpointServer({
    endpoint: { ...anyPort, forceSsl: true },
    field: "hasPrometheus",
    tls: await readCertificate({ ...files, certificateChain: [pem("intermediate")] }),
    route: () => textAnswer(200, "here"),
  });
  const took = vi.spyOn(recordTurns, "took");
  const { host, port } = server.address;
  const client = connect({ host, port, ca: await readFile(pem("root")), servername: "localhost" });
  await once(client, "secureConnect");
  const answer = received(client);
  for (const byte of `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ${"x".repeat(3_000)}\r\n\r\n`)
    await new Promise((resolve) => client.write(byte, resolve));
  expect(await answer).toMatch(/^HTTP\/1.1 200 .*here\n$/s);
  expect(took.mock.calls.length).toBeGreaterThan(3_000);
  took.mockRestore();
  await server.stop();
});
