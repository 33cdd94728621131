import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  answerProposal,
  encodeProposal,
  maxHandshakeBytes,
  readAnswer,
} from "../../src/protocol/handshake.js";
import { MessageAssembler } from "../../src/protocol/message-assembler.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { faultOf, hex, messagesOf } from "./streams.js";
import { type RecordedCase, readVector } from "./vectors.js";

const mainnet = 764_824_073;

/** What a recorded side sent as its handshake. */
function recorded(name: RecordedCase, side: "forwarder" | "acceptor"): string {
  const [message] = messagesOf(readVector(name, side), miniProtocols.handshake);
  return Buffer.from(message!).toString("hex");
}

function answerTo(proposal: string, magic = mainnet): string {
  return Buffer.from(answerProposal(hex(proposal), magic).answer).toString("hex");
}

describe("proposing", () => {
  test.each([
    ["a forwarder", "small-session", "forwarder", mainnet],
    ["an acceptor", "connect-250", "acceptor", mainnet],
    ["a forwarder of another network", "refused-by-acceptor", "forwarder", 1],
  ] as const)("the proposal of %s is reproduced", (_, name, side, magic) => {
    expect(Buffer.from(encodeProposal(magic)).toString("hex")).toBe(recorded(name, side));
  });
});

describe("answering", () => {
  test.each([
    ["accept-250", "forwarder", "acceptor", mainnet],
    ["connect-250", "acceptor", "forwarder", mainnet],
    ["refused-by-acceptor", "forwarder", "acceptor", mainnet],
    ["refused-by-forwarder", "acceptor", "forwarder", 1],
  ] as const)("the recorded answer of %s is reproduced", (name, opener, listener, magic) => {
    expect(answerTo(recorded(name, opener), magic)).toBe(recorded(name, listener));
  });

  test("an accepted proposal has no reason for a refusal", () => {
    expect(answerProposal(encodeProposal(1), 1)).not.toHaveProperty("refused");
  });

  test.each([
    ["another network", "8200a10101", /^the node has magic 1, this tracer 764824073$/],
    ["no common version", "8200a10201", /no common version/],
    ["data that is not a magic", "8200a101f5", /32 bits/],
  ])("%s is refused with a reason", (_, proposal, reason) => {
    expect(answerProposal(hex(proposal), mainnet).refused).toMatch(reason);
  });

  const accepted = "8301011a2d964a09";
  const noCommonVersion = "820282008101";
  const undecodable = /^820283010178/;
  const magic = "1a2d964a09";
  test.each([
    ["version 1 alone", `8200a101${magic}`, accepted],
    ["versions 1 and 2", `8200a201${magic}02${magic}`, accepted],
    ["version 1 among unknown ones", `8200a300f601${magic}19800182f5a0`, accepted],
    ["an unknown version of indefinite data", `8200a201${magic}199fff9f0102ff`, accepted],
    ["an unknown version that is not a number", `8200a26161f501${magic}`, accepted],
    ["the magic with a longer head than needed", "8200a1011b000000002d964a09", accepted],
    ["heads with longer lengths than needed", `9802 1800 b801 1801 ${magic}`, accepted],
    ["version 2 alone", `8200a102${magic}`, noCommonVersion],
    ["unknown versions alone", `8200a118ff${magic}`, noCommonVersion],
    ["no version", "8200a0", noCommonVersion],
    ["a magic beyond 32 bits", "8200a1011b0000000100000000", undecodable],
    ["a negative magic", "8200a10120", undecodable],
    ["a list instead of the magic", `8200a10182${magic}f4`, undecodable],
    ["a magic that wraps round 64 bits", "8200a1011bffffffffffffffff", undecodable],
  ])("%s", (_, proposal, answer) => {
    if (typeof answer === "string") expect(answerTo(proposal)).toBe(answer);
    else expect(answerTo(proposal)).toMatch(answer);
  });

  test.each([
    ["an answer", accepted],
    ["a message of three", `8300a101${magic}00`],
    ["another key", `8201a101${magic}`],
    ["a list instead of the versions", `82008101`],
    ["an indefinite message", `9f00a101${magic}ff`],
    ["indefinite versions", `8200bf01${magic}ff`],
    ["version 1 twice", `8200a201${magic}01${magic}`],
    ["version 1 after 2", `8200a202${magic}01${magic}`],
    ["fewer versions than announced", `8200a201${magic}`],
    ["more than a message", `8200a101${magic}00`],
    ["a magic cut short", "8200a1011a2d96"],
    ["versions without end", "8200bb1000000000000000"],
    ["nothing", ""],
  ])("%s is not a valid proposal", (_, proposal) => {
    expect(faultOf(() => answerProposal(hex(proposal), mainnet))?.code).toMatch(/malformed|too-long/);
  });
});

describe("reading the answer", () => {
  test.each(["accept-250", "small-session"] as const)("the recorded acceptance of %s is accepted", (name) => {
    expect(faultOf(() => readAnswer(hex(recorded(name, "acceptor")), mainnet))).toBeUndefined();
  });

  test("a recorded refusal for the wrong magic is reported in Muninn's words", () => {
    const fault = faultOf(() => readAnswer(hex(recorded("refused-by-forwarder", "forwarder")), 2));
    expect(fault).toMatchObject({ code: "handshake-refused", by: "peer" });
    expect(fault).toHaveProperty("reason", "the node has magic 1, this tracer 2");
  });

  test("a refusal with another text is reported with it, shortened and without control characters", () => {
    const words = `\u001b]0;title\u0007${"x".repeat(300)}`;
    const text = Buffer.from(words);
    const message = Buffer.concat([
      hex("820283020179"),
      Buffer.from([text.length >> 8, text.length & 0xff]),
      text,
    ]);
    const fault = faultOf(() => readAnswer(message, 2));
    expect(fault).toHaveProperty("reason", `\uFFFD]0;title\uFFFD${"x".repeat(190)}…`);
  });

  test("a forwarder's refusal names the tracer first", () => {
    const { refused } = answerProposal(encodeProposal(1), 2, "forwarder");
    expect(refused).toBe("the tracer has magic 1, this forwarder 2");
  });

  test.each([
    ["a refusal for lack of a common version", "820282008102", "peer", /it speaks 2$/],
    ["a refusal because of data", "82028301016161", "peer", /^a$/],
    ["another magic than proposed", "83010101", "us", /^the node has magic 1, this tracer 764824073$/],
  ])("%s is a refusal", (_, answer, by, reason) => {
    const fault = faultOf(() => readAnswer(hex(answer), mainnet));
    expect(fault).toEqual({ code: "handshake-refused", by, reason: expect.stringMatching(reason) });
  });

  test.each([
    ["version 2", "8301021a2d964a09"],
    ["a proposal", "8200a1011a2d964a09"],
    ["an unknown reason", "8202820301"],
    ["a refusal of invalid UTF-8", "820283020161ff"],
    ["a magic that is not a number", "830101f5"],
    ["more than a message", "8301011a2d964a0900"],
    ["half a message", "8301011a2d96"],
    ["half a refusal", "82028302016261"],
    ["an indefinite message", "9f01011a2d964a09ff"],
  ])("%s is not a valid answer", (_, answer) => {
    expect(faultOf(() => readAnswer(hex(answer), mainnet))?.code).toMatch(/malformed|invalid-utf8/);
  });

  test("every magic is accepted by itself and by no other", () => {
    const magic = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(magic, magic, (ours, theirs) => {
        const { answer, refused } = answerProposal(encodeProposal(ours), theirs);
        expect(refused === undefined).toBe(ours === theirs);
        expect(faultOf(() => readAnswer(answer, ours)) === undefined).toBe(ours === theirs);
        expect(
          faultOf(() => readAnswer(answerProposal(encodeProposal(ours), ours).answer, ours)),
        ).toBeUndefined();
      }),
    );
  });
});

test("a handshake of more than 5,760 bytes is refused before it is whole", () => {
  const assembler = new MessageAssembler({ what: "a handshake message", maxBytes: maxHandshakeBytes });
  const fault = faultOf(() => [...assembler.push(hex("8200a118ff591680"))]);
  expect(fault).toEqual({ code: "too-long", what: "a handshake message", limit: 5_760 });
});
