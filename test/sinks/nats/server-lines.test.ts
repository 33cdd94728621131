import { describe, expect, test } from "vitest";
import { ServerFault, ServerLines } from "../../../src/sinks/nats/server-lines.js";

const usual = [
  'INFO {"server_id":"A"}\r\n',
  "PING\r\n",
  "PONG\r\n",
  "+OK\r\n",
  "-ERR 'Unknown Protocol Operation'\r\n",
  "MSG a.b 1 5\r\nhello\r\n",
  "MSG a.b 1 reply.to 3\r\n\r\nx\r\n",
  "MSG a.b 1 0\r\n\r\n",
  "HMSG a.b 1 12 17\r\nNATS/1.0\r\n\r\nhello\r\n",
  "HMSG a.b 1 reply 12 12\r\nNATS/1.0\r\n\r\n\r\n",
  "info {}\r\n",
];

function lines(options: { now?: () => number } = {}): ServerLines {
  return new ServerLines({ mostMessageBytes: 1_000, ...options });
}

test("what real servers send passes, whole and byte by byte", () => {
  const bytes = Buffer.from(usual.join(""));
  lines().push(bytes);
  const slow = lines();
  for (let at = 0; at < bytes.length; at += 1) slow.push(bytes.subarray(at, at + 1));
});

describe("the connection is refused at", () => {
  test.each([
    ["another protocol", "HTTP/1.1 400 Bad Request\r\n", "NATS protocol"],
    ["the beginning of another protocol", "HTT", "NATS protocol"],
    ["the beginning of a line that is too long for any operation", "PINGS", "NATS protocol"],
    ["an empty line", "\r\n", "NATS protocol"],
    ["INFO that is not JSON", "INFO {\r\n", "INFO"],
    ["INFO that is no object", "INFO 5\r\n", "INFO"],
    ["a message without its length", "MSG a 1\r\n", "first line"],
    ["a message with too many words", "MSG a 1 b c 5\r\n", "first line"],
    ["a length that is no number", "MSG a 1 5x\r\n", "first line"],
    ["a negative length", "MSG a 1 -5\r\n", "first line"],
    ["a subscription that is no number", "MSG a b 5\r\n", "first line"],
    ["headers longer than their message", "HMSG a 1 6 5\r\n", "first line"],
    ["a carriage return inside a line", "MSG a 1 b\rc 5\r\n", "first line"],
    ["a message too long", "MSG a 1 1001\r\n", "1001 bytes"],
  ])("%s", (_, text, reason) => {
    expect(() => lines().push(Buffer.from(text))).toThrow(ServerFault);
    expect(() => lines().push(Buffer.from(text))).toThrow(reason);
  });
});

test("a line that does not end is refused before it takes much memory, in pieces of any size", () => {
  const whole = Buffer.from(`INFO {${"a".repeat(70_000)}`);
  expect(() => lines().push(whole)).toThrow(/line of more than/);
  const slow = lines();
  expect(() => {
    for (let piece = 0; piece < 10_000; piece += 1) slow.push(Buffer.from("INFO {aa"));
  }).toThrow(/line of more than/);
});

test.each(["PING", "+OK", "-ERR 'no'", "INFO {}", "PONG"])(
  "a flood of %s is refused, however it is cut; as many over a longer time are not",
  (line) => {
    const flood = Buffer.from(`${line}\r\n`.repeat(501));
    expect(() => lines().push(flood)).toThrow(/within 10 s/);
    let now = 0;
    const patient = lines({ now: () => now });
    for (let sent = 0; sent < 2_000; sent += 1) {
      patient.push(Buffer.from(`${line}\r\n`));
      now += 50;
    }
  },
);

test("a few very long INFOs are refused: each is parsed", () => {
  const long = Buffer.from(`INFO {"a":"${"a".repeat(60_000)}"}\r\n`);
  const sent = lines();
  for (let count = 0; count < 4; count += 1) sent.push(long);
  expect(() => sent.push(long)).toThrow(/within 10 s/);
});

test("what looks like lines inside a payload is not counted", () => {
  const payload = "PING\r\n".repeat(160);
  const messages = lines();
  for (let sent = 0; sent < 100; sent += 1)
    messages.push(Buffer.from(`MSG a 1 ${payload.length}\r\n${payload}\r\n`));
});

test("a payload that is not followed by the end of its line hides nothing", () => {
  // The library takes one byte, whichever it is, and then all up to a line feed.
  const hidden = `MSG a 1 1\r\nx\n\n${"PING\r\n".repeat(600)}`;
  expect(() => lines().push(Buffer.from(hidden))).toThrow(/within 10 s/);
});
