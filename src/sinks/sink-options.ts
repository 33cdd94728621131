import { alternatives } from "../fields/compound-kinds.js";
import type { ValueOf } from "../fields/kind.js";
import { natsOptions, natsSinkName } from "./nats/options.js";
import { otlpOptions, otlpSinkName } from "./otlp/options.js";

/** The sinks of `muninn.sinks`, by their `kind`; one entry for each, its options in its own folder. */
export const sinkOptions = alternatives(
  "kind",
  { otlp: otlpOptions, nats: natsOptions },
  { otherwise: "{kind: otlp, …} or {kind: nats, …}", doc: "the kind of destination" },
);

/** The name of a sink in metrics and health. */
export function sinkName(sink: ValueOf<typeof sinkOptions>): string {
  return sink.kind === "nats" ? natsSinkName(sink) : otlpSinkName(sink);
}
