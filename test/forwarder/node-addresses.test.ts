import { expect, test } from "vitest";
import { nodeAddresses } from "../../src/forwarder/node-addresses.js";
import { formatAddress, parseAddress } from "../../src/transport/address.js";

test.each([
  { first: "/run/node.sock", count: 1, addresses: ["/run/node.sock"] },
  { first: "/run/node.sock", count: 2, addresses: ["/run/node.sock-1", "/run/node.sock-2"] },
  { first: "127.0.0.1:3000", count: 3, addresses: ["127.0.0.1:3000", "127.0.0.1:3001", "127.0.0.1:3002"] },
  { first: "127.0.0.1:0", count: 3, addresses: ["127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"] },
])("$count nodes starting at $first listen on $addresses", ({ first, count, addresses }) => {
  expect(nodeAddresses(parseAddress(first), count).map(formatAddress)).toEqual(addresses);
});

test("more nodes than ports are refused", () => {
  expect(() => nodeAddresses(parseAddress("127.0.0.1:65535"), 2)).toThrow("only 1 ports from 65535 on");
});
