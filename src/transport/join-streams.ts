import type { LinkStream } from "./links/link.js";

/** How long one end may take to read what the other had sent before it was gone, in milliseconds. */
const closeGraceMs = 2_000;
const pieceBytes = 64 * 1_024;
/** Pieces kept for the next ones, 1.5 MiB: one for each of twenty nodes that are busy. */
const mostSpare = 24;

/**
 * Memory for bytes on their way, which is reused: as garbage it would add up to far more than is ever on its way, because
 * the collector does not hurry for memory outside its heap.
 */
const spare: Buffer[] = [];

/**
 * Passes on what each end sends to the other, with back-pressure, and the end of each direction; owns both. If one end is
 * lost, the other is closed after it got what was on its way. Resolves when both are gone.
 */
export async function joinStreams(one: LinkStream, other: LinkStream): Promise<void> {
  await Promise.all([passOn(one, other), passOn(other, one)]);
}

/** Resolves when `from` is gone. */
async function passOn({ stream: from, chunks }: LinkStream, { stream: to }: LinkStream): Promise<void> {
  const take = (chunk: Buffer) => {
    const takesMore = chunks === "given" ? to.write(chunk) : writeCopy(to, chunk);
    if (!takesMore) from.pause();
  };
  const goOn = () => from.resume();
  // An end that accepts no more must not hold up what the other sends, or its leaving.
  const letGo = () => {
    from.off("data", take);
    from.resume();
  };
  from.on("error", () => {});
  from.on("data", take);
  from.once("end", () => to.end());
  to.on("drain", goOn);
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

/** Less has memory of its own: a hundred pieces of a few bytes each may wait until an end takes no more. */
const littleBytes = 8 * 1_024;

/** Whether more may be written at once. */
function writeCopy(to: LinkStream["stream"], chunk: Buffer): boolean {
  if (chunk.length < littleBytes) return to.write(Buffer.from(chunk));
  let takesMore = true;
  for (let at = 0; at < chunk.length; at += pieceBytes) {
    const memory = spare.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
    const length = chunk.copy(memory, 0, at, at + pieceBytes);
    takesMore = to.write(memory.subarray(0, length), () => {
      if (spare.length < mostSpare) spare.push(memory);
    });
  }
  return takesMore;
}
