/** The fields of an entry in journald's native protocol; fails if one appears twice. */
export function fieldsOf(entry: Uint8Array): Record<string, string> {
  const bytes = Buffer.from(entry);
  const fields: Record<string, string> = {};
  for (let at = 0; at < bytes.length; ) {
    const line = bytes.subarray(at, bytes.indexOf(0x0a, at));
    const equals = line.indexOf("=");
    const name = line.toString("utf8", 0, equals === -1 ? line.length : equals);
    if (name in fields) throw new Error(`${name} is there twice`);
    at += line.length + 1;
    if (equals !== -1) {
      fields[name] = line.toString("utf8", equals + 1);
      continue;
    }
    const end = at + 8 + Number(bytes.readBigUInt64LE(at));
    fields[name] = bytes.toString("utf8", at + 8, end);
    if (bytes[end] !== 0x0a) throw new Error(`${name} has no end`);
    at = end + 1;
  }
  return fields;
}
