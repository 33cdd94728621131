import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { NatsLink } from "../../../src/sinks/nats/link.js";

/** A server that says this of itself; returns how often somebody came, and a link to it. */
async function linked(said: object, options: { closesAtOnce: boolean }) {
  let visits = 0;
  const server = createServer((socket) => {
    visits += 1;
    socket.on("error", () => {});
    socket.write(
      `INFO ${JSON.stringify({ server_id: "A", version: "2.10.0", proto: 1, headers: true, ...said })}\r\n`,
    );
    socket.on("data", (chunk: Buffer) => {
      if (!chunk.includes("PING\r\n")) return;
      if (options.closesAtOnce) socket.end("PONG\r\n");
      else socket.write("PONG\r\n");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const failures: string[] = [];
  const link = new NatsLink({
    servers: [`127.0.0.1:${port}`],
    name: "test",
    credentials: {},
    prepare: async () => {},
    onFailed: (reason) => failures.push(reason),
    onConnected: () => {},
  });
  onTestFinished(async () => {
    await link.stop();
    server.close();
  });
  return { link, failures, visits: () => visits };
}

test.each([{}, { max_payload: 0 }, { max_payload: "1MiB" }, { max_payload: null }])(
  "a server that says %j of how long a message may be is not used: what is cut by that would be taken for sent",
  async (said) => {
    const { link, failures } = await linked(said, { closesAtOnce: false });
    await expect.poll(() => failures.length).toBeGreaterThan(0);
    expect(failures[0]).toMatch(/max_payload/);
    expect(link.session).toBeUndefined();
  },
);

test("messages are at most as long as any server can accept, whatever it says", async () => {
  const { link } = await linked({ max_payload: 2 ** 50 }, { closesAtOnce: false });
  const session = await link.connected(AbortSignal.timeout(5_000));
  expect(session?.maxPayload).toBe(64 * 2 ** 20);
});

test("a server that lets us in and closes at once is asked again after pauses that grow", async () => {
  const { visits } = await linked({ max_payload: 1_048_576 }, { closesAtOnce: true });
  await pause(1_500);
  expect(visits()).toBeGreaterThan(1);
  expect(visits()).toBeLessThan(8);
});
