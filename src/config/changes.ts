import { isDeepStrictEqual } from "node:util";
import { defined } from "../fields/defined.js";
import type { Config } from "./config.js";

/** What can change without dropping a node or a client. */
const liveParts = [
  "ekgRequestFreqMs",
  "ekgRequestFull",
  "metricsHelp",
  "metricsNoSuffix",
  "prometheusLabels",
  "resourceFreqMs",
  "rotation",
  "tlsCertificate",
  "verbosity",
] as const satisfies readonly (keyof Config)[];

/** The fields that a reload brings into effect, by their names in the file; all others take a restart. */
export const liveFields: readonly string[] = [...liveParts.map(nameInFile), "muninn.auth"];

/** The configuration that a reload makes: `loaded` in its live fields, `running` in all others. */
export function reloaded(running: Config, loaded: Config): Config {
  const live = Object.fromEntries(liveParts.map((part) => [part, loaded[part]])) as Pick<
    Config,
    (typeof liveParts)[number]
  >;
  return defined({
    ...running,
    ...live,
    muninn: { ...running.muninn, auth: loaded.muninn.auth },
  }) as Config;
}

/** The fields that differ, by their names in the file; those below `muninn` and no deeper. */
export function changedFields(before: Config, after: Config): string[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])];
  return names.filter((name) => !isDeepStrictEqual(old.get(name), now.get(name)));
}

function fieldsOf({ endpoints, forwarding, muninn, ...others }: Config): Map<string, unknown> {
  return new Map<string, unknown>([
    ...Object.entries(others).map(([part, value]) => [nameInFile(part), value] as const),
    ["hasPrometheus", endpoints.prometheus],
    ["hasEKG", endpoints.ekg],
    ["hasTimeseries", endpoints.timeseries],
    ["hasForwarding", forwarding],
    ...Object.entries(muninn).map(([part, value]) => [`muninn.${nameInFile(part)}`, value] as const),
  ]);
}

/** Times are in milliseconds here, and say so. */
function nameInFile(part: string): string {
  return part.replace(/Ms$/, "");
}
