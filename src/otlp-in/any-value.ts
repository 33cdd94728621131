import { deepestValue } from "../otlp/definitions.js";
import { type AnyValue, bigintOf, has, type KeyValue } from "./schema.js";

/** A request contains something that cannot be read. */
class MalformedError extends Error {
  override readonly name = "MalformedError";
}

/**
 * A value as JSON. Integers too large for exact JSON numbers, NaN and infinities, and bytes (base64) become texts.
 * @throws MalformedError
 */
export function jsonOf(value: AnyValue | null | undefined, depth = 0): string {
  if (depth > deepestValue) throw new MalformedError(`values are nested deeper than ${deepestValue}`);
  if (value == null) return "null";
  if (has(value, "stringValue")) return quoted(value.stringValue);
  if (has(value, "intValue")) {
    const exact = bigintOf(value.intValue);
    return Number.isSafeInteger(Number(exact)) ? `${exact}` : `"${exact}"`;
  }
  if (has(value, "boolValue")) return String(value.boolValue);
  if (has(value, "doubleValue"))
    return Number.isFinite(value.doubleValue) ? JSON.stringify(value.doubleValue) : `"${value.doubleValue}"`;
  if (has(value, "kvlistValue")) return jsonObjectOf(value.kvlistValue.values, depth + 1);
  if (has(value, "arrayValue"))
    return `[${value.arrayValue.values.map((item) => jsonOf(item, depth + 1)).join(",")}]`;
  if (has(value, "bytesValue")) return `"${Buffer.from(value.bytesValue).toString("base64")}"`;
  return "null";
}

/** A text that JSON needs no escapes for. */
const plain = /^[ !#-[\]-~]*$/;

/** A text as JSON; this check costs less than `JSON.stringify`. */
export function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Pairs as a JSON object; of repeated keys the last counts. @throws MalformedError */
export function jsonObjectOf(pairs: readonly KeyValue[], depth = 0): string {
  const texts = new Map<string, string>();
  for (const { key, value } of pairs) texts.set(key, jsonOf(value, depth));
  let json = "";
  for (const [key, text] of texts) json += `${json === "" ? "{" : ","}${quoted(key)}:${text}`;
  return json === "" ? "{}" : `${json}}`;
}

/** The value of an attribute; of repeated ones the last counts. */
export function attributeOf(attributes: readonly KeyValue[], wanted: string): AnyValue | undefined {
  for (let index = attributes.length - 1; index >= 0; index -= 1)
    if (attributes[index]!.key === wanted) return attributes[index]!.value ?? undefined;
  return undefined;
}

/** The text of a value; undefined if it is not a text. */
export function textIn(value: AnyValue | null | undefined): string | undefined {
  return value != null && has(value, "stringValue") ? value.stringValue : undefined;
}

/** The text of an attribute; undefined if it is absent or not a text. */
export function textOf(attributes: readonly KeyValue[], wanted: string): string | undefined {
  return textIn(attributeOf(attributes, wanted));
}
