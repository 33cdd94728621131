import { type AnyKind, type Field, fieldsIn } from "../../src/fields/kind.js";

/**
 * The rows of the table in docs/configuration.md for the fields inside a kind, in their order; `around` is what the
 * enclosing mappings say about all of them.
 */
export function rowsOf(kind: AnyKind, path: string, around: readonly string[] = []): string[] {
  const { inside } = kind;
  if (inside === undefined) return [];
  if ("item" in inside) return rowsOf(inside.item, `${path}[0]`, around);
  if ("parts" in inside)
    return inside.parts.flatMap((part, index) => rowsOfField(part, `${path}[${index}]`, around));
  const below = (key: string) => (path === "" ? key : `${path}.${key}`);
  if ("fields" in inside) {
    return Object.entries(inside.fields).flatMap(([key, field]) => rowsOfField(field, below(key), around));
  }
  const variants = Object.entries(inside.table).flatMap(([word, variant]) =>
    Object.entries(fieldsIn(variant) ?? {}).flatMap(([key, field]) => {
      const isShared = Object.values(inside.table).every((other) => fieldsIn(other)?.[key] === field);
      const doc = isShared ? field.doc : `\`${word}\`: ${field.doc}`;
      return rowsOfField({ ...field, doc }, below(key), around);
    }),
  );
  return [...new Set([...rowsOfField(inside.tagField, below(inside.tag), around), ...variants])];
}

function rowsOfField(field: Field, path: string, around: readonly string[]): string[] {
  if (field.past !== undefined) return [];
  const docs = [...around, field.doc].filter((doc) => doc !== "");
  const inside = rowsOf(inherited(field), path, docs);
  if (inside.length > 0) return inside;
  const cells = [`\`${path}\``, field.kind.takes, docs.join(": "), defaultOf(field), field.live ? "yes" : ""];
  return [`| ${cells.join(" | ")} |`];
}

/** If the whole is live, so is each of its parts. */
function inherited({ kind, live }: Field): AnyKind {
  if (!live || kind.inside === undefined || !("fields" in kind.inside)) return kind;
  const fields = Object.entries(kind.inside.fields).map(([key, field]) => [key, { ...field, live }] as const);
  return { ...kind, inside: { fields: Object.fromEntries(fields) } };
}

function defaultOf({ presence, default: written }: Field): string {
  if (presence === "required") return "required";
  if (written === undefined) return "none";
  return `\`${typeof written === "object" ? JSON.stringify(written) : written}\``;
}
