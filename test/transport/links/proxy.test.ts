import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { connectThrough } from "../../../src/transport/links/proxy.js";
import { Place } from "../places.js";

const place = new Place();

test.each([
  { user: "", shown: undefined },
  { user: "us:p%40ss@", shown: `Basic ${Buffer.from("us:p@ss").toString("base64")}` },
])(
  "a proxy is asked for the target, with the credentials in its address, if any: '$user'",
  async ({ user, shown }) => {
    const server = createServer().listen(0, "127.0.0.1");
    place.atEnd(() => server.close());
    await once(server, "listening");
    const asked = once(server, "connect");
    const { port } = server.address() as AddressInfo;
    const proxy = new URL(`http://${user}127.0.0.1:${port}`);
    const target = { kind: "wss", host: "tracer.example", port: 3_443, path: "/" } as const;
    const { signal } = new AbortController();
    const connecting = connectThrough(proxy, target, { signal, timeoutMs: 10_000 });
    const [request, socket] = await asked;
    expect(request.url).toBe("tracer.example:3443");
    expect(request.headers["proxy-authorization"]).toBe(shown);
    socket.write("HTTP/1.1 200 OK\r\n\r\nwelcome");
    place.atEnd(() => socket.destroy());
    const stream = await connecting;
    place.atEnd(() => stream.destroy());
  },
);
