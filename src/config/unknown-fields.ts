import { type AnyKind, type FieldPath, type Fields, fieldsIn } from "../fields/kind.js";
import { nearest } from "../fields/suggestion.js";
import { fieldsBelow } from "./field-names.js";
import type { GivenKey } from "./given-keys.js";
import { formatField } from "./problem.js";
import { configuration } from "./schema.js";

export interface UnknownField {
  readonly path: FieldPath;
  /** The names that are allowed here, if the key itself may be a secret and must not be shown. */
  readonly unseen?: readonly string[];
  /** The field that the writer may have meant, from the top: `muninn.registry.maxOpenFiles`. */
  readonly meant?: string;
}

/** Most suggestions: nobody would read more, and each is a comparison with all names. */
const maxSuggestions = 100;

/** The keys that name no field. */
export function unknownFields(keys: Iterable<GivenKey>): UnknownField[] {
  const unknown = [...keys].filter(({ field, former }) => field === undefined && former === undefined);
  const everywhere = candidatesBelow(configuration, []);
  return unknown.map(({ path, around }, index) => {
    const fields = fieldsIn(around) ?? {};
    if (holdsSecretsOnly(fields)) return { path, unseen: Object.keys(fields) };
    if (index >= maxSuggestions) return { path };
    const key = String(path.at(-1));
    const near = around === configuration ? everywhere : candidatesBelow(around, path.slice(0, -1));
    const meant = meantBy(key, near) ?? meantBy(key, everywhere);
    return meant === undefined ? { path } : { path, meant };
  });
}

/** Whether a key here may be a secret, written in a wrong place. */
function holdsSecretsOnly(fields: Fields): boolean {
  const kinds = Object.values(fields).map(({ kind }) => kind);
  return (
    kinds.some(({ isSecret, inside }) => isSecret && inside === undefined) ||
    kinds.every(({ isSecret }) => isSecret)
  );
}

function meantBy(key: string, { fields, names }: Candidates): string | undefined {
  const name = nearest(key, names);
  return name === undefined ? undefined : formatField(fields[names.indexOf(name)]!);
}

/** The fields that may be meant below a place, and the last parts of their names. */
interface Candidates {
  readonly fields: readonly FieldPath[];
  readonly names: readonly string[];
}

function candidatesBelow(kind: AnyKind, at: FieldPath): Candidates {
  const fields = [...fieldsBelow(kind, at)];
  return { fields, names: fields.map((field) => String(field.at(-1))) };
}
