/** A query with an immediately useful result, and what it shows. */
export interface Example {
  readonly query: string;
  readonly says: string;
}

/** Useful metrics that every node has; the first one present is used. */
const wanted = {
  height: ["blockNum_int", "slotNum_int"],
  memory: ["Mem_resident_int", "RTS_gcLiveBytes_int"],
  growing: ["txsProcessedNum_counter", "RTS_gcMajorNum_int", "slotNum_int"],
} as const;

/** Three examples with existing metrics, or with those of a usual node if there are none yet. */
export function examples(metrics: readonly string[]): Example[] {
  const name = (preferred: readonly string[]) => {
    const found = preferred.map((ending) =>
      metrics.find((metric) => metric.endsWith(`_${ending}`) || metric === ending),
    );
    return (
      found.find((metric) => metric !== undefined) ?? metrics[0] ?? `cardano_node_metrics_${preferred[0]}`
    );
  };
  const height = quoted(name(wanted.height));
  const memory = quoted(name(wanted.memory));
  const growing = quoted(name(wanted.growing));
  return [
    { query: `${height} now`, says: "what each node has now" },
    { query: `${memory}[now - 1h; now : 1m]`, says: "the last hour, a point a minute" },
    { query: `increase (${growing}[now - 10m; now])`, says: "its growth in ten minutes" },
  ];
}

/** Names that are words of the language, or that begin with a digit, are put in backquotes. */
function quoted(name: string): string {
  return /^(?!epoch|true|false|now)[A-Za-z_]\w*_\w*$/.test(name) ? name : `\`${name}\``;
}
