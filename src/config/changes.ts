import { isDeepStrictEqual } from "node:util";
import { type AnyKind, effectiveName, type Field, type Fields } from "../fields/kind.js";
import { type Config, effectiveConfig, helpTextsOf, type Values, valuesOf } from "./config.js";
import { configFields } from "./schema.js";

type ByName = Readonly<Record<string, unknown>>;

/** The fields that a reload brings into effect, by their names in the file; all others take a restart. */
export const liveFields: readonly string[] = [...liveIn(configFields)];

/** The configuration that a reload makes: `loaded` in its live fields, `running` in all others. */
export function reloaded(running: Config, loaded: Config): Config {
  const values = mixed(configFields, { ...valuesOf(running) }, { ...valuesOf(loaded) });
  return effectiveConfig(values as Values, helpTextsOf(loaded));
}

/** The fields that differ, by their names in the file. A mapping is one, unless a reload takes only parts of it. */
export function changedFields(before: Config, after: Config): string[] {
  const comparable = (config: Config) => ({ ...valuesOf(config), metricsHelp: helpTextsOf(config) });
  return [...differing(configFields, comparable(before), comparable(after))];
}

function mixed(fields: Fields, running: ByName, loaded: ByName): ByName {
  const values: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) {
    const name = effectiveName(key, field);
    const inside = partsOf(field);
    const value =
      inside === undefined
        ? (field.live ? loaded : running)[name]
        : mixed(inside, running[name] as ByName, loaded[name] as ByName);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

function* liveIn(fields: Fields): Generator<string> {
  for (const [key, field] of Object.entries(fields)) {
    if (field.live) yield key;
    else for (const part of liveIn(partsOf(field) ?? {})) yield `${key}.${part}`;
  }
}

function* differing(fields: Fields, before: ByName, after: ByName): Generator<string> {
  for (const [key, field] of Object.entries(fields)) {
    const name = effectiveName(key, field);
    if (isDeepStrictEqual(before[name], after[name])) continue;
    const inside = partsOf(field);
    if (inside === undefined) yield key;
    else
      for (const part of differing(inside, before[name] as ByName, after[name] as ByName))
        yield `${key}.${part}`;
  }
}

/** The fields of a mapping that is always there and of which a reload takes some and leaves some. */
function partsOf({ kind, live, presence }: Field): Fields | undefined {
  if (live || presence !== "defaulting" || !holdsLive(kind)) return undefined;
  return kind.inside !== undefined && "fields" in kind.inside ? kind.inside.fields : undefined;
}

function holdsLive({ inside }: AnyKind): boolean {
  if (inside === undefined || !("fields" in inside)) return false;
  return Object.values(inside.fields).some(({ live, kind }) => live || holdsLive(kind));
}
