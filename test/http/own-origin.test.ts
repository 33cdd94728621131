import { expect, test } from "vitest";
import { isOwnOrigin } from "../../src/http/own-origin.js";

const proxied = (forwarded: string, origin: string, host = "inner:12788") => ({
  host,
  origin,
  "x-forwarded-host": forwarded,
});

test.each<[string, Record<string, string>, boolean]>([
  ["no browser", { host: "a" }, true],
  ["the same host", { host: "a:1", origin: "http://a:1" }, true],
  [
    "the same host in other letter case",
    { host: "Tracer.Example:1", origin: "http://tracer.example:1" },
    true,
  ],
  ["another host", { host: "a:1", origin: "http://b:1" }, false],
  ["another port", { host: "a:1", origin: "http://a:2" }, false],
  ["the port of http, written out", { host: "a:80", origin: "http://a" }, true],
  ["the port of https, written out", { host: "a:443", origin: "https://a" }, true],
  ["the port of http for https", { host: "a:80", origin: "https://a" }, false],
  ["an IPv6 address", { host: "[::1]:1", origin: "http://[::1]:1" }, true],
  ["a proxy", proxied("outer.example", "https://outer.example"), true],
  ["a proxy with the port", proxied("outer.example:443", "https://outer.example"), true],
  ["two proxies", proxied("outer.example, middle.example:8080", "https://outer.example"), true],
  [
    "two proxies, the inner one asked",
    proxied("outer.example,middle.example", "http://middle.example"),
    true,
  ],
  [
    "a host that none of them was asked for",
    proxied("outer.example, middle.example", "http://evil.example"),
    false,
  ],
  ["an empty list", proxied(" , ", "http://evil.example"), false],
  ["a name that begins like ours", proxied("outer.example", "https://outer.example.evil"), false],
  ["a page without an origin", { host: "a", origin: "null" }, false],
  ["an origin without a host", { host: "", origin: "file://" }, false],
])("an origin is recognized as ours or foreign: %s", (_, headers, isOwn) => {
  expect(isOwnOrigin(headers)).toBe(isOwn);
});

test("of a list of forwarded hosts only the first sixteen are looked at", () => {
  const others = "other.example,".repeat(15);
  expect(isOwnOrigin(proxied(`${others}outer.example`, "https://outer.example"))).toBe(true);
  expect(isOwnOrigin(proxied(`other.example,${others}outer.example`, "https://outer.example"))).toBe(false);
});
