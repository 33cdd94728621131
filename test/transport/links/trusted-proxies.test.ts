import { expect, test } from "vitest";
import { parseNetwork } from "../../../src/transport/address.js";
import { TrustedProxies } from "../../../src/transport/links/trusted-proxies.js";

const proxies = new TrustedProxies(["10.0.0.0/8", "fd00::/8"].map(parseNetwork));

test.each([
  { what: "a peer that is no proxy", host: "203.0.113.7", header: "198.51.100.1", client: "203.0.113.7" },
  { what: "a proxy without a header", host: "10.0.0.1", header: undefined, client: "10.0.0.1" },
  { what: "a proxy's client", host: "10.0.0.1", header: "198.51.100.1", client: "198.51.100.1" },
  { what: "a client's claim", host: "10.0.0.1", header: "192.0.2.1, 198.51.100.1", client: "198.51.100.1" },
  { what: "two proxies", host: "10.0.0.1", header: "198.51.100.1, 10.0.0.2", client: "198.51.100.1" },
  { what: "a port", host: "10.0.0.1", header: "198.51.100.1:4711", client: "198.51.100.1" },
  { what: "IPv6 and a port", host: "fd00::1", header: "[2001:db8::1]:4711", client: "2001:db8::1" },
  { what: "IPv4 within IPv6", host: "10.0.0.1", header: "::ffff:198.51.100.1", client: "198.51.100.1" },
  {
    what: "a proxy's IPv4 within IPv6",
    host: "10.0.0.1",
    header: "192.0.2.1,::ffff:10.0.0.2",
    client: "192.0.2.1",
  },
  { what: "no address", host: "10.0.0.1", header: "unknown", client: "10.0.0.1" },
])("$what: the client is $client", ({ host, header, client }) => {
  expect(proxies.clientOf(host, header)).toBe(client);
});

test("only the last sixteen addresses of a header are read", () => {
  const through = (count: number) => ["198.51.100.1", ...new Array<string>(count).fill("10.0.0.2")].join();
  expect(proxies.clientOf("10.0.0.1", through(15))).toBe("198.51.100.1");
  expect(proxies.clientOf("10.0.0.1", through(16))).toBe("10.0.0.2");
});
