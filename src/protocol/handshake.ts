import { CborReader } from "./cbor-reader.js";
import { CborWriter } from "./cbor-writer.js";
import { ProtocolError } from "./faults.js";

/** A handshake message may have this many bytes. */
export const maxHandshakeBytes = 5_760;

/** The version tracers speak. */
const version = 1;
/** Peers know it, so its place in a proposal matters; unknown versions are skipped. */
const laterVersion = 2;
const maxMagic = 0xffff_ffff;

const proposal = "a handshake proposal";
const propose = 0;
const accept = 1;
const refuse = 2;

/** How much of a peer's reason for a refusal is passed on. */
const maxReasonLength = 200;

/** Why a proposal was refused: the index in the refusal. */
const reason = { versionMismatch: 0, decodeError: 1, refused: 2 } as const;

/** Which side we are, for messages about either. */
type We = "tracer" | "forwarder";

/** What the opener sends: `[0, {1: magic}]`. */
export function encodeProposal(magic: number): Uint8Array {
  return new CborWriter().array(2).int(propose).map(1).int(version).int(magic).finish();
}

/**
 * The listener's answer to a proposal, as real peers give it; if it refuses, `refused` says why in our words.
 * @throws ProtocolError if the message is no proposal
 */
export function answerProposal(
  message: Uint8Array,
  magic: number,
  we: We = "tracer",
): { answer: Uint8Array; refused?: string } {
  const proposed = readProposal(message);
  if (proposed === undefined) {
    const writer = new CborWriter().array(2).int(refuse);
    const answer = writer.array(2).int(reason.versionMismatch).array(1).int(version).finish();
    return { answer, refused: `no common version, we speak ${version}` };
  }
  if (proposed === "undecodable") {
    const undecodable = "the network magic is not a number of 32 bits";
    return { answer: refusal(reason.decodeError, undecodable), refused: undecodable };
  }
  if (proposed !== magic) {
    const mismatch = `${versionData(magic)} /= ${versionData(proposed)}`;
    return {
      answer: refusal(reason.refused, `ForwardingVersionData mismatch: ${mismatch}`),
      refused: differentMagics(proposed, magic, we),
    };
  }
  return { answer: new CborWriter().array(3).int(accept).int(version).int(magic).finish() };
}

/** The magic proposed for our version; undefined if our version was not proposed. */
function readProposal(message: Uint8Array): number | "undecodable" | undefined {
  const reader = new CborReader(message, proposal);
  reader.record(2);
  reader.key(propose);
  let proposed: number | "undecodable" | undefined;
  let previous = 0;
  for (let left = reader.map(); left > 0; left -= 1) {
    const number = reader.uintOrOther();
    const magic = reader.uintOrOther() ?? Number.POSITIVE_INFINITY;
    const isKnown = number === version || number === laterVersion;
    if (!isKnown) continue;
    if (number <= previous) throw unordered(number, previous);
    previous = number;
    if (number === version) proposed = magic > maxMagic ? "undecodable" : magic;
  }
  reader.end();
  return proposed;
}

/**
 * Reads the listener's answer to our proposal.
 * @throws ProtocolError with code `handshake-refused` if it refused, or accepted what we did not propose
 */
export function readAnswer(message: Uint8Array, magic: number, we: We = "tracer"): void {
  const reader = new CborReader(message, "a handshake answer");
  const length = reader.record(2, 3);
  if (length === 2) {
    reader.key(refuse);
    throw new ProtocolError({
      code: "handshake-refused",
      by: "peer",
      reason: readRefusal(reader, magic, we),
    });
  }
  reader.key(accept);
  reader.key(version);
  const accepted = reader.uint(maxMagic);
  reader.end();
  if (accepted !== magic) {
    throw new ProtocolError({
      code: "handshake-refused",
      by: "us",
      reason: differentMagics(accepted, magic, we),
    });
  }
}

function readRefusal(reader: CborReader, magic: number, we: We): string {
  const length = reader.record(2, 3);
  if (length === 2) {
    reader.key(reason.versionMismatch);
    const versions = reader.list(() => reader.uint(Number.MAX_SAFE_INTEGER));
    reader.end();
    return `no common version, it speaks ${shown(versions.join(", "))}`;
  }
  reader.key(reason.decodeError, reason.refused);
  reader.uint(Number.MAX_SAFE_INTEGER);
  const text = reader.text();
  reader.end();
  const magics = [...text.matchAll(/unNetworkMagic = (\d{1,10})/g)].map(([, digits]) => Number(digits));
  const theirs = magics.find((other) => other !== magic);
  return theirs === undefined ? shown(text) : differentMagics(theirs, magic, we);
}

function differentMagics(theirs: number, ours: number, we: We): string {
  const they = we === "tracer" ? "node" : "tracer";
  return `the ${they} has magic ${theirs}, this ${we} ${ours}`;
}

/** A peer's own words, shortened, and without terminal control characters. */
function shown(text: string): string {
  const visible = text.slice(0, maxReasonLength).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "�");
  return text.length > maxReasonLength ? `${visible}…` : visible;
}

function unordered(number: number, previous: number): ProtocolError {
  const found = `version ${number} after ${previous}`;
  return new ProtocolError({ code: "malformed", what: proposal, expected: "ascending versions", found });
}

function refusal(index: number, text: string): Uint8Array {
  return new CborWriter().array(2).int(refuse).array(3).int(index).int(version).text(text).finish();
}

/** As Haskell peers show it. */
function versionData(magic: number): string {
  return `ForwardingVersionData {networkMagic = NetworkMagic {unNetworkMagic = ${magic}}}`;
}
