import { converted, list, parts } from "../../fields/compound-kinds.js";
import { defined } from "../../fields/defined.js";
import { optional, required, withDefault } from "../../fields/field.js";
import { mapping } from "../../fields/mapping.js";
import { choice, seconds, text, wholeNumber } from "../../fields/plain-kinds.js";
import { network } from "./network.js";

const uint32 = 2 ** 32 - 1;

/** Names from an earlier version of our documentation; cardano-tracer never knew them. */
const tof = (name: string) => `is called ${name}; cardano-tracer ignores this name`;
const twoQueues = "is from before queueSize, and is used only where that is absent";

const options = converted(
  mapping({
    queueSize: optional(
      wholeNumber(0, uint32),
      "trace objects kept while the other tracer does not ask; 0 counts as 1",
      {
        default: 192,
        formerly: { tofQueueSize: tof("queueSize") },
      },
    ),
    connQueueSize: optional(wholeNumber(0, uint32), "", { past: twoQueues }),
    disconnQueueSize: optional(wholeNumber(0, uint32), "", { past: twoQueues }),
    verbosity: withDefault(
      choice("Minimum", "Maximum"),
      "Minimum",
      "`Maximum` logs every message of the protocol",
      { formerly: { tofVerbosity: tof("verbosity") } },
    ),
    maxReconnectDelay: withDefault(seconds(), 45, "longest pause before it listens or connects again", {
      formerly: { tofMaxReconnectDelay: tof("maxReconnectDelay") },
    }),
  }),
  ({ queueSize, connQueueSize = 128, disconnQueueSize = 192, ...others }) => ({
    // As in cardano-tracer, where even a queue of size 0 has room for one object.
    queueSize: Math.max(1, queueSize ?? Math.max(connQueueSize, disconnQueueSize)),
    ...others,
  }),
  (options) => options,
);

/** Another tracer that also gets the trace objects. */
export const forwarding = converted(
  parts(
    [
      required(network, "the other tracer"),
      optional(
        list(list(text(), "the parts of a namespace"), "namespaces, each a list of its parts"),
        "only namespaces that begin with one of these; `null` for all",
      ),
      withDefault(options, {}, ""),
    ],
    "network, namespaces (or null) and options",
  ),
  ([network, prefixes, options]) => ({ network, ...defined({ prefixes }), ...options }),
  ({ network, prefixes, ...options }) => [network, prefixes, options] as const,
);
