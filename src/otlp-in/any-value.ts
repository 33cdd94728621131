import { type AnyValue, bigintOf, type KeyValue } from "./schema.js";

/** Deeper values are garbage. */
const deepest = 64;

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A request has what cannot be read. */
class GarbageError extends Error {
  override readonly name = "GarbageError";
}

/** Whole numbers beyond what JSON's readers keep exactly, numbers that are none and bytes (base64) are texts. @throws GarbageError */
export function jsonOf(value: AnyValue | null | undefined, depth = 0): Json {
  if (depth > deepest) throw new GarbageError(`values are nested deeper than ${deepest}`);
  switch (value?.value) {
    case "stringValue":
      return value.stringValue;
    case "boolValue":
      return value.boolValue;
    case "intValue": {
      const exact = bigintOf(value.intValue);
      const number = Number(exact);
      return Number.isSafeInteger(number) ? number : String(exact);
    }
    case "doubleValue":
      return Number.isFinite(value.doubleValue) ? value.doubleValue : String(value.doubleValue);
    case "arrayValue":
      return value.arrayValue.values.map((item) => jsonOf(item, depth + 1));
    case "kvlistValue":
      return objectOf(value.kvlistValue.values, depth + 1);
    case "bytesValue":
      return Buffer.from(value.bytesValue).toString("base64");
    default:
      return null;
  }
}

/** Of keys that stand twice the last counts. @throws GarbageError */
export function objectOf(pairs: readonly KeyValue[], depth = 0): { readonly [key: string]: Json } {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, jsonOf(value, depth)]));
}

/** The value of an attribute; of those that stand twice the last counts. */
export function attributeOf(attributes: readonly KeyValue[], wanted: string): AnyValue | undefined {
  return attributes.findLast(({ key }) => key === wanted)?.value ?? undefined;
}

/** Undefined for what is no text. */
export function textIn(value: AnyValue | null | undefined): string | undefined {
  return value?.value === "stringValue" ? value.stringValue : undefined;
}

/** The text of an attribute; undefined where there is none, or it is no text. */
export function textOf(attributes: readonly KeyValue[], wanted: string): string | undefined {
  return textIn(attributeOf(attributes, wanted));
}
