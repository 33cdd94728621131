import { headers } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { factsIn, MessageError, type MessageFault, setHeaders } from "../../../src/sinks/nats/message.js";

const node = { name: "Relay 1", directory: "Relay_1", slug: "relay-1" };
const facts = { start: "abcdef", node, first: 7, count: 3 };

function faultWith(changes: Readonly<Record<string, string>>): MessageFault | undefined {
  const given = headers();
  setHeaders(given, facts, { number: 2, of: 3 });
  for (const [name, value] of Object.entries(changes)) given.set(name, value);
  try {
    factsIn(given);
    return undefined;
  } catch (error) {
    return (error as MessageError).fault;
  }
}

test("the facts of a message are found in its headers", () => {
  const given = headers();
  setHeaders(given, facts, { number: 2, of: 3 });
  expect(factsIn(given)).toEqual({ ...facts, part: { number: 2, of: 3 } });
});

test.each([
  ["Muninn-Start", "two words"],
  ["Muninn-Node", "x".repeat(1_025)],
  ["Muninn-Directory", "../elsewhere"],
  ["Muninn-Directory", ".muninn"],
  ["Muninn-Slug", "Not A Slug"],
  ["Muninn-First", "0"],
  ["Muninn-Count", "many"],
  ["Muninn-Part", "4/3"],
])("a message whose %s is %j is refused, and the header is named", (header, value) => {
  expect(faultWith({ [header]: value })).toEqual({ code: "malformed", what: header });
});

test("a message of a later format, or of somebody else, is told apart", () => {
  expect(faultWith({ "Muninn-Format": "2" })).toEqual({ code: "newer-format", format: "2" });
  expect(() => factsIn(headers())).toThrow(new MessageError({ code: "foreign" }));
});
