import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { remoteAddressOf } from "../../src/nodes/remote-address.js";

test.each([
  ["/run/muninn.sock", "unix"],
  ["/run/odd:3001", "unix"],
  ["unix:/run/muninn.sock", "unix"],
  ["10.0.0.7:41234", "10.0.0.7"],
  ["wss://10.0.0.7:41234", "10.0.0.7"],
  ["[2001:db8:1:2:3:4:5:6]:41234", "2001:db8:1:2::/64"],
  ["[2001:db8::6]:41234", "2001:db8:0:0::/64"],
  ["[::1]:41234", "0:0:0:0::/64"],
  ["[fe80::1%eth0]:41234", "fe80:0:0:0::/64"],
])("a peer at %s comes from %s", (peer, address) => {
  expect(
    remoteAddressOf({ id: "x-1", opener: "peer", peer, stream: new PassThrough(), chunks: "given" }),
  ).toBe(address);
});

test("two targets of one host are two addresses", () => {
  const [one, other] = ["10.0.0.7:1", "10.0.0.7:2"].map((peer) =>
    remoteAddressOf({ id: "x-1", opener: "us", peer, stream: new PassThrough(), chunks: "given" }),
  );
  expect(one).not.toBe(other);
});
