import { isUtf8 } from "node:buffer";

const shortTextBytes = 64;

/** Whether these bytes are UTF-8. Most texts are short and ASCII: checking each byte here costs less than a call. */
export function isSoundText(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= shortTextBytes) {
    let at = start;
    while (at < end && bytes[at]! < 0x80) at += 1;
    if (at === end) return true;
  }
  return isUtf8(bytes.subarray(start, end));
}
