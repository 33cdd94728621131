import { alternatives } from "../fields/compound-kinds.js";
import type { Kind, ValueOf } from "../fields/kind.js";
import { natsOptions, natsSinkName } from "./nats/options.js";
import { missingForNats } from "./nats/prerequisite.js";
import { otlpOptions, otlpSinkName } from "./otlp/options.js";
import { missingForOtlp } from "./otlp/prerequisite.js";

type ReadFile = (file: string) => Promise<string>;

/** What the configuration knows of one kind of sink, from its options. */
interface Described<Options> {
  /** The sink's name in metrics and health. */
  name(options: Options): string;
  /** What the machine lacks for it, in a sentence to follow the name of the field. */
  missing(options: Options, readFile: ReadFile): Promise<string | undefined>;
}

function row<Options>(options: Kind<Options>, described: Described<NoInfer<Options>>) {
  return { options, described };
}

/** Every kind of sink that `muninn.sinks` may have, by its `kind`. */
const table = {
  otlp: row(otlpOptions, { name: otlpSinkName, missing: missingForOtlp }),
  nats: row(natsOptions, { name: natsSinkName, missing: missingForNats }),
};

type Table = typeof table;
type OptionsOfKinds = { readonly [Name in keyof Table]: Table[Name]["options"] };

/** Each of these must be opened, too: `open-sinks.ts`. */
export type ConfiguredKind = keyof Table;

/** One entry of `muninn.sinks`. */
export const sinkOptions = alternatives(
  "kind",
  Object.fromEntries(Object.entries(table).map(([kind, { options }]) => [kind, options])) as OptionsOfKinds,
  {
    otherwise: Object.keys(table)
      .map((kind) => `{kind: ${kind}, …}`)
      .join(" or "),
    doc: "the kind of destination",
  },
);

type ConfiguredSink = ValueOf<typeof sinkOptions>;

/** The name of a sink in metrics and health. */
export function sinkName(sink: ConfiguredSink): string {
  return describedOf(sink).name(sink);
}

/** What the machine lacks for a sink, in a sentence to follow the name of the field. */
export function missingForSink(sink: ConfiguredSink, readFile: ReadFile): Promise<string | undefined> {
  return describedOf(sink).missing(sink, readFile);
}

/** The compiler does not see that a row fits the options of its own kind. */
function describedOf({ kind }: ConfiguredSink): Described<ConfiguredSink> {
  return table[kind].described as Described<ConfiguredSink>;
}
