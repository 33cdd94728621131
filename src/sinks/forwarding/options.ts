import { group, optional, withDefault } from "../../fields/field.js";
import { flag, size, text } from "../../fields/plain-kinds.js";

const mebibyte = 2 ** 20;
const tebibyte = 2 ** 40;

/** `muninn.forwarding`: what Muninn's re-forwarding can do beyond cardano-tracer's. */
export const forwardingOptions = group({
  queueBytes: withDefault(
    size(mebibyte, tebibyte),
    "64MiB",
    "total size of trace objects waiting for downstream tracers; the oldest are dropped first",
  ),
  name: optional(
    text(),
    "the name that `NodeInfo` gives downstream tracers; absent: none, as with cardano-tracer",
  ),
  metrics: withDefault(
    flag(),
    false,
    "forward the metrics of all nodes, each name prefixed with its node's: `relay-1.cardano.node.metrics.blockNum_int`; answers stay below 1 MiB",
  ),
  dataPoints: withDefault(
    flag(),
    false,
    "forward data points of nodes, each name prefixed with its node's: `relay-1.NodeInfo`",
  ),
});
