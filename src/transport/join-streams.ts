import type { LinkStream } from "./links/link.js";
import type { PassingRoom } from "./passing-room.js";

/** How long one end may take to read what the other sent before it left, in milliseconds. */
const closeGraceMs = 2_000;
/** Memory of a piece in addition to its bytes: it matters for pieces of one byte. */
const pieceOverhead = 512;
/** Sizes of pieces: a larger one than needed would be held as long as its bytes. */
const pieceSizes = [16, 32, 64].map((kibibytes) => kibibytes * 1_024);
const longestPiece = 64 * 1_024;
/** Memory kept for the next pieces: one for each of twenty nodes that are busy. */
const mostSpareBytes = 1_536 * 1_024;

/**
 * Reused memory for bytes in transit: as garbage it would add up to far more than is ever in transit, because
 * the collector does not hurry for memory outside its heap.
 */
const spare = new Map<number, Buffer[]>(pieceSizes.map((size) => [size, []]));
let spareBytes = 0;

/**
 * Passes on what each end sends to the other, with back-pressure, and the end of each direction; owns both. If one end is
 * lost, the other is closed after it received what was in transit. Resolves when both are gone.
 */
export async function joinStreams(one: LinkStream, other: LinkStream, room: PassingRoom): Promise<void> {
  room.enter();
  await Promise.all([passOn(one, other, room), passOn(other, one, room)]);
  room.leave();
}

/** Resolves when `from` is gone. */
async function passOn(
  { stream: from, chunks }: LinkStream,
  { stream: to }: LinkStream,
  room: PassingRoom,
): Promise<void> {
  let waitingBytes = 0;
  let isPaused = false;
  const take = (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += longestPiece) {
      const piece = chunk.subarray(at, at + longestPiece);
      const { bytes, giveBack } = chunks === "given" ? { bytes: piece, giveBack: undefined } : copied(piece);
      const held = bytes.length + pieceOverhead;
      waitingBytes += held;
      to.write(bytes, () => {
        giveBack?.();
        waitingBytes -= held;
        if (isPaused && waitingBytes <= room.bytesOfDirection) goOn();
      });
    }
    if (waitingBytes <= room.bytesOfDirection) return;
    isPaused = true;
    from.pause();
  };
  const goOn = () => {
    isPaused = false;
    from.resume();
  };
  // An end that accepts no more must not hold up what the other sends, or its leaving.
  const letGo = () => {
    from.off("data", take);
    from.resume();
  };
  from.on("error", () => {});
  from.on("data", take);
  // It may have ended while the other end was being connected.
  if (from.readableEnded) to.end();
  else from.once("end", () => to.end());
  to.once("finish", letGo);
  to.once("close", letGo);
  await new Promise<void>((resolve) => {
    if (from.closed) resolve();
    else from.once("close", () => resolve());
  });
  if (to.closed) return;
  to.end();
  const late = setTimeout(() => to.destroy(), closeGraceMs);
  to.once("close", () => clearTimeout(late));
}

/** Smaller pieces get their own memory: a hundred pieces of a few bytes may wait before an end accepts no more. */
const littleBytes = 8 * 1_024;

/** A copy of lent bytes, and a function that releases its memory. */
function copied(chunk: Buffer): { bytes: Buffer; giveBack: (() => void) | undefined } {
  if (chunk.length < littleBytes) return { bytes: Buffer.from(chunk), giveBack: undefined };
  const size = pieceSizes.find((pieceSize) => chunk.length <= pieceSize)!;
  const shelf = spare.get(size)!;
  const memory = shelf.pop();
  if (memory !== undefined) spareBytes -= size;
  const piece = memory ?? Buffer.allocUnsafeSlow(size);
  chunk.copy(piece);
  return {
    bytes: piece.subarray(0, chunk.length),
    giveBack: () => {
      if (spareBytes + size > mostSpareBytes) return;
      spareBytes += size;
      shelf.push(piece);
    },
  };
}
