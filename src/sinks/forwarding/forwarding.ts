import type { Address } from "../../transport/address.js";
import type { SinkKind } from "../sink-kind.js";
import { ForwardingSink } from "./forwarding-sink.js";
import { namespaceFilter } from "./namespace-filter.js";
import { serveDownstreams } from "./serve-downstreams.js";

export interface ForwardingConfig {
  readonly networkMagic: number;
  readonly forwarding?: {
    readonly network:
      | { readonly mode: "AcceptAt"; readonly address: Address }
      | { readonly mode: "ConnectTo"; readonly addresses: readonly Address[] };
    readonly prefixes?: readonly (readonly string[])[];
    readonly queueSize: number;
    readonly verbosity: "Minimum" | "Maximum";
    readonly maxReconnectDelayMs: number;
  };
  readonly muninn: {
    readonly forwarding: {
      readonly queueBytes: number;
      readonly name?: string;
      readonly metrics: boolean;
      readonly dataPoints: boolean;
    };
  };
}

/** Re-forwarding (`hasForwarding`): one sink for any number of downstream tracers. */
export const forwarding: SinkKind<ForwardingConfig> = {
  kind: "forwarding",
  open: async ({ forwarding: wanted, networkMagic: magic, muninn }, { log, version }) => {
    if (wanted === undefined) return [];
    const { network, maxReconnectDelayMs, verbosity } = wanted;
    const verbose = verbosity === "Maximum";
    return [
      new ForwardingSink({
        ...muninn.forwarding,
        passes: namespaceFilter(wanted.prefixes),
        queueSize: wanted.queueSize,
        version,
        log,
        serve: serveDownstreams({ network, magic, maxReconnectDelayMs, verbose, log }),
      }),
    ];
  },
};
