/** Remainders of one byte, for the polynomial of zlib, PNG and IEEE 802.3. (`node:zlib` has it only since Node 20.15.) */
const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb8_8320 : 0);
  return remainder;
});

/**
 * CRC-32 as in zlib: for "123456789" it is 0xCBF43926. `before` is the value for the bytes before these, if any.
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  let remainder = ~before;
  // An iterator instead of the index would take twice as long.
  for (let i = 0; i < bytes.length; i += 1)
    remainder = table[(remainder ^ bytes[i]!) & 0xff]! ^ (remainder >>> 8);
  return ~remainder >>> 0;
}
