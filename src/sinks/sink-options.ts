import { alternatives } from "../fields/compound-kinds.js";
import { natsOptions } from "./nats/options.js";
import { otlpOptions } from "./otlp/options.js";

/** The sinks of `muninn.sinks`, by their `kind`; one entry for each, its options in its own folder. */
export const sinkOptions = alternatives(
  "kind",
  { otlp: otlpOptions, nats: natsOptions },
  { otherwise: "{kind: otlp, …} or {kind: nats, …}", doc: "what it is" },
);
