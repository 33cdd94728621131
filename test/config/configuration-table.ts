import { type AnyKind, type Field, fieldsIn } from "../../src/fields/kind.js";

/** The rows of the table in docs/configuration.md for the fields inside a kind, in their order. */
export function rowsOf(kind: AnyKind, path: string): string[] {
  const { inside } = kind;
  if (inside === undefined) return [];
  if ("item" in inside) return rowsOf(inside.item, `${path}[0]`);
  if ("parts" in inside) return inside.parts.flatMap((part, index) => rowsOfField(part, `${path}[${index}]`));
  const below = (key: string) => (path === "" ? key : `${path}.${key}`);
  if ("fields" in inside) {
    return Object.entries(inside.fields).flatMap(([key, field]) => rowsOfField(field, below(key)));
  }
  const variants = Object.entries(inside.table).flatMap(([word, variant]) =>
    Object.entries(fieldsIn(variant) ?? {}).flatMap(([key, field]) => {
      const isShared = Object.values(inside.table).every((other) => fieldsIn(other)?.[key] === field);
      const doc = isShared ? field.doc : `\`${word}\`: ${field.doc}`;
      return rowsOfField({ ...field, doc }, below(key));
    }),
  );
  return [...new Set([...rowsOfField(inside.tagField, below(inside.tag)), ...variants])];
}

function rowsOfField(field: Field, path: string): string[] {
  if (field.past !== undefined) return [];
  const inside = rowsOf(inherited(field), path);
  if (inside.length > 0) return inside;
  const cells = [`\`${path}\``, field.kind.takes, field.doc, defaultOf(field), field.live ? "yes" : ""];
  return [`| ${cells.join(" | ")} |`];
}

/** What is live as a whole is so in each of its parts. */
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
