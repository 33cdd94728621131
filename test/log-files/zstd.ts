/** The most bytes of a raw block. */
const maxBlockBytes = 128 * 1024;

/** A zstd frame of raw blocks (RFC 8878, 3.1.1): Node itself compresses only from 22.15 on. */
export function zstdOf(text: string): Buffer {
  const content = Buffer.from(text);
  // Magic; a descriptor without content size, checksum or dictionary; a window of 128 KiB.
  const pieces = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38])];
  for (let from = 0; from === 0 || from < content.length; from += maxBlockBytes) {
    const block = content.subarray(from, from + maxBlockBytes);
    const isLast = from + maxBlockBytes >= content.length;
    const head = Buffer.alloc(3);
    head.writeUIntLE((block.length << 3) | Number(isLast), 0, 3);
    pieces.push(head, block);
  }
  return Buffer.concat(pieces);
}
