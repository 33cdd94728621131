import { alternatives } from "../fields/compound-kinds.js";
import { otlpOptions } from "./otlp/options.js";

/** The sinks of `muninn.sinks`, told apart by their `kind`; one entry for each, its options in its own folder. */
export const sinkOptions = alternatives(
  "kind",
  { otlp: otlpOptions },
  { otherwise: "{kind: otlp, …}", doc: "what it is" },
);
