import { deepestValue } from "../otlp/definitions.js";
import { type AnyValue, bigintOf, has, type KeyValue } from "./schema.js";

/** A request has what cannot be read. */
class GarbageError extends Error {
  override readonly name = "GarbageError";
}

/**
 * A value as JSON. Whole numbers beyond what JSON's readers keep exactly, numbers that are none and bytes (base64) are texts.
 * @throws GarbageError
 */
export function jsonOf(value: AnyValue | null | undefined, depth = 0): string {
  if (depth > deepestValue) throw new GarbageError(`values are nested deeper than ${deepestValue}`);
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

/** What JSON writes as it stands. */
const plain = /^[ !#-[\]-~]*$/;

/** A text as JSON; to look costs less than to have it written. */
export function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Of keys that stand twice the last counts. @throws GarbageError */
export function jsonObjectOf(pairs: readonly KeyValue[], depth = 0): string {
  const texts = new Map<string, string>();
  for (const { key, value } of pairs) texts.set(key, jsonOf(value, depth));
  let json = "";
  for (const [key, text] of texts) json += `${json === "" ? "{" : ","}${quoted(key)}:${text}`;
  return json === "" ? "{}" : `${json}}`;
}

/** The value of an attribute; of those that stand twice the last counts. */
export function attributeOf(attributes: readonly KeyValue[], wanted: string): AnyValue | undefined {
  for (let index = attributes.length - 1; index >= 0; index -= 1)
    if (attributes[index]!.key === wanted) return attributes[index]!.value ?? undefined;
  return undefined;
}

/** Undefined for what is no text. */
export function textIn(value: AnyValue | null | undefined): string | undefined {
  return value != null && has(value, "stringValue") ? value.stringValue : undefined;
}

/** The text of an attribute; undefined where there is none, or it is no text. */
export function textOf(attributes: readonly KeyValue[], wanted: string): string | undefined {
  return textIn(attributeOf(attributes, wanted));
}
