import { expect, test } from "vitest";
import { Handshake } from "../../src/nodes/handshake.js";
import { answerProposal, encodeProposal } from "../../src/protocol/handshake.js";

const magic = 42;

function handshake(opener: "us" | "peer") {
  const sent: Uint8Array[] = [];
  return { sent, shaking: new Handshake({ magic, opener, send: (message) => sent.push(message) }) };
}

test("whoever opened the connection proposes, and the other waits for that", () => {
  const [ours, theirs] = [handshake("us"), handshake("peer")];
  ours.shaking.start();
  theirs.shaking.start();
  expect(ours.sent).toEqual([encodeProposal(magic)]);
  expect(theirs.sent).toEqual([]);
  theirs.shaking.receive(ours.sent[0]!);
  expect(theirs.shaking.done).toBe(true);
  expect(theirs.sent).toEqual([answerProposal(encodeProposal(magic), magic).answer]);
  expect(ours.shaking.done).toBe(false);
  ours.shaking.receive(theirs.sent[0]!);
  expect(ours.shaking.done).toBe(true);
});
