/**
 * A key of 53 bits for the bytes of one line: equal lines have equal keys, and two different ones share a key
 * about once in 10^16 pairs. Not meant to withstand lines built on purpose to have equal keys.
 * The mixing is that of cyrb53 (public domain), taking four bytes at a step.
 */
export function lineKey(bytes: Uint8Array, start: number, end: number): number {
  let low = 0xdeadbeef ^ (end - start);
  let high = 0x41c6ce57 ^ (end - start);
  let at = start;
  for (const whole = end - 3; at < whole; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    low = Math.imul(low ^ word, 2_654_435_761);
    high = Math.imul(high ^ word, 1_597_334_677);
    // Multiplication carries only upwards: without this the top byte of a word would change only the top bits.
    low ^= low >>> 15;
    high ^= high >>> 13;
  }
  for (; at < end; at += 1) {
    low = Math.imul(low ^ bytes[at]!, 2_654_435_761);
    high = Math.imul(high ^ bytes[at]!, 1_597_334_677);
  }
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  return 4_294_967_296 * (0x1fffff & high) + (low >>> 0);
}
