import { expect, test, vi } from "vitest";
import { OwnEvents } from "../../src/metrics/own/events.js";
import type { Clash } from "../../src/nodes/node-directory.js";
import { SessionError, type SessionFault } from "../../src/nodes/session-faults.js";
import {
  connectorEvents,
  healthEvents,
  refusalEvents,
  registryEvents,
  sessionEvents,
  socketFileEvents,
  tooManyEvents,
} from "../../src/tracer-events.js";
import type { Connection } from "../../src/transport/connection.js";

// What happens, in the words and at the severity of the log.

function logged() {
  const lines: [severity: string, event: string, message: string, facts: object][] = [];
  const say = (severity: string) => (event: string, message: string, facts: object) =>
    lines.push([severity, event, message, facts]);
  const severities = ["debug", "info", "notice", "warning", "error"];
  const log = Object.fromEntries(severities.map((severity) => [severity, say(severity)])) as never;
  return { lines, log };
}

const names = (name: string) => ({ name, directory: name, slug: name });
const node = { connectionId: "unix-1", ...names("relay") };
const connection = { id: "unix-1", peer: "a socket", opener: "peer" } as Connection;

test("a connection is logged with its id and peer, and its node with all its names", () => {
  const { lines, log } = logged();
  const events = sessionEvents(log, new OwnEvents());
  events.connected(connection);
  events.named(connection, node);
  const facts = { connection: "unix-1", peer: "a socket" };
  expect(lines).toEqual([
    ["debug", "connection_opened", "unix-1 completed the handshake", facts],
    [
      "info",
      "node_connected",
      "node relay is connected",
      { node: "relay", ...facts, directory: "relay", slug: "relay" },
    ],
  ]);
});

test.each<readonly [what: string, clash: Clash, message: string]>([
  [
    "a name",
    { wanted: names("relay-a"), of: "directory", holder: { connectionId: "unix-2", ...names("relay-a") } },
    "node relay-a has the name of another connected node: it is called relay for now",
  ],
  [
    "a directory of another tracer",
    { wanted: names("relay-a"), of: "directory", holder: undefined, tracer: "process 7" },
    "another tracer (process 7) already writes logs for a node relay-a: this one is called relay for now",
  ],
  [
    "a page",
    { wanted: names("relay-a"), of: "slug", holder: { connectionId: "unix-2", ...names("relay-b") } },
    "the pages of node relay are at /relay: /relay-a is node relay-b",
  ],
  [
    "a page of Muninn's own",
    { wanted: names("metrics"), of: "slug", holder: undefined },
    "the pages of node relay are at /relay: /metrics is a route of Muninn's",
  ],
])("a clash of %s is told in its own words", (_, clash, message) => {
  const { lines, log } = logged();
  sessionEvents(log, new OwnEvents()).clashed(connection, node, clash);
  const facts = { node: "relay", wanted: clash.wanted.name, connection: "unix-1", peer: "a socket" };
  expect(lines).toEqual([
    ["warning", "names_clash", message, { ...facts, directory: "relay", slug: "relay" }],
  ]);
});

test.each<readonly [SessionFault["code"] | "left" | "cut", string, string, string]>([
  ["left", "info", "node_disconnected", "node relay has left"],
  ["cut", "warning", "connection_cut", "node relay left in the middle of a reply"],
  ["probe", "debug", "connection_probed", "a socket connected and left without sending a byte"],
  ["closed-by-us", "info", "connection_failed", "node relay was disconnected: "],
  ["no-room", "warning", "connection_failed", "node relay was disconnected: "],
  ["internal-error", "error", "connection_failed", "node relay was disconnected: "],
])("a connection that ends by %s is a line at %s", (code, severity, event, message) => {
  const { lines, log } = logged();
  const cause = new TypeError("no such thing");
  const isFault = code !== "left" && code !== "cut";
  const fault = isFault ? new SessionError({ code, reason: "why" } as SessionFault, { cause }) : undefined;
  const end = { node, fault, handshakeDone: true, midReply: code === "cut" };
  sessionEvents(log, new OwnEvents()).ended(connection, end);
  expect(lines).toEqual([[severity, event, expect.stringContaining(message), expect.anything()]]);
  const [, , , facts] = lines[0]!;
  const reason = code === "cut" ? "left-mid-reply" : code;
  expect(facts).toEqual({
    node: "relay",
    connection: "unix-1",
    peer: "a socket",
    reason,
    ...(code === "internal-error" && { err: cause }),
  });
});

test("a connection that ends before its node has a name is logged with its own id", () => {
  const { lines, log } = logged();
  const end = { node: undefined, fault: undefined, handshakeDone: true, midReply: false };
  sessionEvents(log, new OwnEvents()).ended(connection, end);
  expect(lines[0]![2]).toBe("connection unix-1 at a socket has left");
});

test("a target that cannot be reached is logged with its address and the code", () => {
  const { lines, log } = logged();
  const err = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  connectorEvents(log).unreachable({ kind: "tcp", host: "127.0.0.1", port: 7 }, err);
  const facts = { address: "127.0.0.1:7", code: "ECONNREFUSED" };
  expect(lines).toEqual([
    ["notice", "target_unreachable", "cannot connect to 127.0.0.1:7, retrying: refused", facts],
  ]);
});

test("refusals of an address for a reason are one line a minute, with their number", () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const { lines, log } = logged();
  const refused = refusalEvents(log, new OwnEvents(), "wss://tracer:1");
  for (let n = 0; n < 3; n += 1) refused({ reason: "token", host: "10.0.0.7" });
  refused({ reason: "tls", host: "10.0.0.7", detail: "no certificate" });
  vi.advanceTimersByTime(60_000);
  expect(lines.map(([, , message]) => message)).toEqual([
    "10.0.0.7 was refused at wss://tracer:1: it showed no token, or a wrong one",
    "10.0.0.7 was refused at wss://tracer:1: the TLS handshake failed (no certificate)",
    "10.0.0.7 was refused at wss://tracer:1: it showed no token, or a wrong one (the last of 2 like it within a minute)",
  ]);
  vi.useRealTimers();
});

test("a node that comes again and again causes five lines at once", () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const { lines, log } = logged();
  const { named } = sessionEvents(log, new OwnEvents());
  for (let count = 0; count < 20; count += 1) named(connection, node);
  expect(lines).toHaveLength(5);
  vi.useRealTimers();
});

test("refusals of any number of addresses, again and again, are a bounded number of lines a minute", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
  const { lines, log } = logged();
  const refused = refusalEvents(log, new OwnEvents(), "wss://tracer:1");
  for (let round = 0; round < 5; round += 1)
    for (let n = 0; n < 2_000; n += 1) refused({ reason: "token", host: `10.0.${n >> 8}.${n & 255}` });
  expect(lines.length).toBeLessThanOrEqual(1_024);
  vi.useRealTimers();
});

test("a fault of a log and its end are logged at a level that fits the fault", () => {
  const { lines, log } = logged();
  const events = registryEvents(log);
  const error = Object.assign(new Error("no space"), { code: "ENOSPC" });
  const fault = { log: { root: "/logs", directory: "relay", extension: "json" }, operation: "write", error };
  for (const severity of ["failing", "degraded"] as const) {
    const began = { ...fault, severity, path: "/logs/relay/a.json", since: 0 } as never;
    events.faultBegan!(began);
    events.faultOver!(began);
  }
  expect(lines.map(([severity, event]) => `${severity} ${event}`)).toEqual([
    "error write_failed",
    "notice write_recovered",
    "warning rotation_failed",
    "notice rotation_recovered",
  ]);
  expect(lines.map(([, , , facts]) => facts)).toEqual([
    { directory: "relay", operation: "write", path: "/logs/relay/a.json", code: "ENOSPC" },
    { directory: "relay", path: "/logs/relay/a.json", since: "1970-01-01T00:00:00.000Z" },
    { directory: "relay", operation: "write", path: "/logs/relay/a.json", code: "ENOSPC" },
    { directory: "relay", since: "1970-01-01T00:00:00.000Z" },
  ]);
});

test("what was done for a socket file without being asked is logged with its path", () => {
  const { lines, log } = logged();
  const events = socketFileEvents(log);
  events.onDirectoryMade!("/run/muninn");
  events.onModeNarrowed!("/run/muninn/tracer.sock");
  expect(lines.map(([severity, event, , facts]) => [severity, event, facts])).toEqual([
    ["notice", "socket_directory_made", { directory: "/run/muninn" }],
    ["warning", "socket_mode_narrowed", { path: "/run/muninn/tracer.sock" }],
  ]);
});

test("connections that are refused are logged with their number and the limit", () => {
  const { lines, log } = logged();
  tooManyEvents(log, new OwnEvents())(7);
  const message = "1 connections refused: 7 are already open";
  expect(lines).toEqual([["warning", "connections_turned_away", message, { count: 1, limit: 7 }]]);
});

test("a check that changes is logged at the severity of its state", () => {
  const { lines, log } = logged();
  const changed = healthEvents(log);
  const check = { name: "disk", reason: "it is full", action: "Free some.", since: "1970-01-01T00:00:00Z" };
  for (const state of ["failing", "degraded", "ok"] as const) changed({ ...check, state }, "ok");
  const facts = (state: string) => ({ check: "disk", state, reason: "it is full", action: "Free some." });
  expect(lines).toEqual([
    ["error", "health_changed", "disk is failing: it is full", facts("failing")],
    ["notice", "health_changed", "disk is degraded: it is full", facts("degraded")],
    ["notice", "health_changed", "disk is ok again", facts("ok")],
  ]);
});
