import type { SinkKind } from "../sink-kind.js";
import { LiveSink } from "./live-sink.js";

export interface LiveConfig {
  readonly muninn: { readonly ui?: object };
}

/** What the page and `muninn tail --url` watch (`muninn.ui`): one sink for any number of viewers. */
export const live: SinkKind<LiveConfig> = {
  kind: "live",
  open: async ({ muninn }) => (muninn.ui === undefined ? [] : [new LiveSink()]),
};
