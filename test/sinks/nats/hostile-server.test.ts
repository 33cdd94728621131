import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { NatsLink } from "../../../src/sinks/nats/link.js";

/** A server that says this of itself; returns how often somebody came, and a link to it. */
function linked(said: object, options: { closesAtOnce: boolean }) {
  return linkedTo((socket) => {
    greet(socket, said);
    socket.on("data", (chunk: Buffer) => {
      if (!chunk.includes("PING\r\n")) return;
      if (options.closesAtOnce) socket.end("PONG\r\n");
      else socket.write("PONG\r\n");
    });
  });
}

function greet(socket: Socket, said: object): void {
  const info = { server_id: "A", version: "2.10.0", proto: 1, headers: true, ...said };
  socket.write(`INFO ${JSON.stringify(info)}\r\n`);
}

async function linkedTo(serve: (socket: Socket) => void) {
  let visits = 0;
  let open = 0;
  const server = createServer((socket) => {
    visits += 1;
    open += 1;
    socket
      .on("error", () => {})
      .once("close", () => {
        open -= 1;
      });
    serve(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const failures: string[] = [];
  const link = new NatsLink({
    servers: [`127.0.0.1:${port}`],
    name: "test",
    credentials: {},
    mostMessageBytes: 2 ** 20,
    prepare: async () => {},
    onFailed: (reason) => failures.push(reason),
    onConnected: () => {},
  });
  onTestFinished(async () => {
    await link.stop();
    server.close();
  });
  return { link, failures, visits: () => visits, open: () => open };
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

test("a server that accepts us and closes at once is asked again after growing pauses", async () => {
  const { visits } = await linked({ max_payload: 1_048_576 }, { closesAtOnce: true });
  await pause(1_500);
  expect(visits()).toBeGreaterThan(1);
  expect(visits()).toBeLessThan(8);
});

/** What a server sends without end after its greeting, as long as the other side takes it. */
function floods(text: string, { greeted }: { greeted: boolean }) {
  return (socket: Socket) => {
    if (greeted) {
      greet(socket, { max_payload: 1_048_576 });
      socket.once("data", () => socket.write("PONG\r\n"));
    }
    const piece = Buffer.from(text.repeat(Math.ceil(65_536 / text.length)));
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on("drain", more);
    if (greeted) socket.once("data", more);
    else more();
  };
}

test.each([
  ["pings, and reads no answers", "PING\r\n", true],
  ["says who it is", "INFO {}\r\n", true],
  ["reports errors", "-ERR 'no'\r\n", true],
  ["names other servers", `INFO {"connect_urls":["127.0.0.1:1","127.0.0.1:2"]}\r\n`, true],
  ["sends another protocol", "a", false],
  ["sends a line", "INFO ", false],
  ["sends another protocol after its greeting", "a", true],
])(
  "of a server that %s without end the connection is closed, and it is asked again",
  async (_, text, greeted) => {
    const { link, failures, open } = await linkedTo(floods(text, { greeted }));
    await expect.poll(() => failures.length, { timeout: 10_000 }).toBeGreaterThan(1);
    expect(failures[0]).toMatch(/the server sent|the server does not begin/);
    expect(link.serverFaults).toBeGreaterThan(1);
    expect(open()).toBeLessThan(3);
  },
);

test("of a server that does not end its first line the connection is closed after the attempt", async () => {
  const { failures, open } = await linkedTo((socket) => socket.write("INFO {"));
  await expect.poll(() => failures.length, { timeout: 15_000 }).toBeGreaterThan(0);
  await expect.poll(open).toBe(0);
}, 20_000);

test("a server that does not read is sent no more than a bounded amount", async () => {
  const { link } = await linkedTo((socket) => {
    greet(socket, { max_payload: 1_048_576 });
    socket.once("data", () => {
      socket.write("PONG\r\n");
      socket.pause();
    });
  });
  const session = await link.connected(AbortSignal.timeout(5_000));
  let sent = 0;
  while (session!.room() === undefined && sent < 1_000) {
    session!.connection.publish("a", new Uint8Array(2 ** 20));
    sent += 1;
    await pause(1);
  }
  // What the kernel keeps comes on top of ours.
  expect(sent).toBeLessThan(64);
});
