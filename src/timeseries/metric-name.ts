/** The name of a node's metric in the store: `cardano.node.metrics.Mem.resident_int` → `cardano_node_metrics_Mem_resident_int`. */
export function metricName(internalName: string): string {
  return internalName.replace(/[.\- ]/g, "_").replace(/\W/g, "");
}

const decimal = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The number in a metric; a text counts if it is entirely a decimal number. */
export function metricNumber(value: number | bigint | string): number | undefined {
  if (typeof value !== "string") return Number(value);
  return decimal.test(value) ? Number(value) : undefined;
}
