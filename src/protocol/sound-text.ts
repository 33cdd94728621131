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

/** Set in bytes that are not ASCII. */
const notAscii = 0x8080_8080;

/** Whether these bytes are ASCII: four at a time, the last ones perhaps twice. */
export function isAscii(view: DataView, start: number, end: number): boolean {
  const last = end - 4;
  if (last < start) {
    for (let at = start; at < end; at += 1) if (view.getInt8(at) < 0) return false;
    return true;
  }
  let bits = view.getInt32(last);
  for (let at = start; at < last; at += 4) bits |= view.getInt32(at);
  return (bits & notAscii) === 0;
}
