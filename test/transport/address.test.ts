import fc from "fast-check";
import { expect, test } from "vitest";
import { AddressError, formatAddress, parseAddress, parseAnyAddress } from "../../src/transport/address.js";

test.each([
  { text: "127.0.0.1:3001", address: { kind: "tcp", host: "127.0.0.1", port: 3001 } },
  { text: "[::1]:3001", address: { kind: "tcp", host: "::1", port: 3001 } },
  { text: "::1:3001", address: { kind: "tcp", host: "::1", port: 3001 } },
  { text: "relay.example:0", address: { kind: "tcp", host: "relay.example", port: 0 } },
  { text: "h:65535", address: { kind: "tcp", host: "h", port: 65_535 } },
  { text: "h:00080", address: { kind: "tcp", host: "h", port: 80 } },
  { text: "/run/muninn.sock", address: { kind: "unix", path: "/run/muninn.sock" } },
  { text: "muninn.sock", address: { kind: "unix", path: "muninn.sock" } },
  { text: "/run/a:b", address: { kind: "unix", path: "/run/a:b" } },
  { text: "host:", address: { kind: "unix", path: "host:" } },
  { text: "host:-1", address: { kind: "unix", path: "host:-1" } },
  { text: "x".repeat(107), address: { kind: "unix", path: "x".repeat(107) } },
])("$text is an address of the kind $address.kind", ({ text, address }) => {
  expect(parseAddress(text)).toEqual(address);
});

test.each([
  { text: "tls://h:1", address: { kind: "tls", host: "h", port: 1 } },
  { text: "wss://h/nodes", address: { kind: "wss", host: "h", port: 443, path: "/nodes" } },
  { text: "tcp://h:1", address: { kind: "tcp", host: "h", port: 1 } },
  { text: "unix:/run/a.sock", address: { kind: "unix", path: "/run/a.sock" } },
  { text: "h:1", address: { kind: "tcp", host: "h", port: 1 } },
  { text: "tls:1", address: { kind: "tcp", host: "tls", port: 1 } },
  { text: "/run/tls://a", address: { kind: "unix", path: "/run/tls://a" } },
])("with or without its prefix, $text has the kind $address.kind", ({ text, address }) => {
  expect(parseAnyAddress(text)).toEqual(address);
});

test.each([
  { what: "nothing", text: "", reason: /empty/ },
  { what: "a port without a host", text: ":3001", reason: /no host.*127\.0\.0\.1:3001/ },
  { what: "a port in brackets without a host", text: "[]:3001", reason: /no host/ },
  { what: "a port beyond the last", text: "h:65536", reason: /65536.*65535/ },
  { what: "a NUL", text: "/run/a\0b", reason: /NUL/ },
  { what: "a path of 108 bytes", text: "x".repeat(108), reason: /107 bytes.*108/ },
  { what: "a path of 54 characters and 108 bytes", text: "ä".repeat(54), reason: /107 bytes.*108/ },
])("$what is not an address, and the error says why", ({ text, reason }) => {
  expect(() => parseAddress(text)).toThrow(AddressError);
  expect(() => parseAddress(text)).toThrow(reason);
});

test("a formatted address reads as the same address", () => {
  const tcp = fc.record({
    kind: fc.constant("tcp" as const),
    host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
    port: fc.integer({ min: 0, max: 65_535 }),
  });
  const unix = fc.stringMatching(/^\/[a-z./ -]{0,50}$/).map((path) => ({ kind: "unix" as const, path }));
  fc.assert(
    fc.property(fc.oneof(tcp, unix), (address) => {
      expect(parseAddress(formatAddress(address))).toEqual(address);
    }),
  );
});
