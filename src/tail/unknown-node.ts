import { nearest } from "../fields/suggestion.js";
import { TailError } from "./tail-error.js";

/** Most names in an error message. */
const mostNamed = 10;

/**
 * Checks that each of these nodes is known.
 *
 * @param where names the place that was searched, as in `below /var/log/nodes`
 * @throws TailError, whose message suggests similar names
 */
export function refuseUnknownNodes(names: readonly string[], known: readonly string[], where: string): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TailError("unknown-node", sentence(unknown, known, where));
}

function sentence(name: string, known: readonly string[], where: string): string {
  const missing = `there is no node ${name} ${where}`;
  if (known.length === 0) return `${missing}, and no other nodes`;
  const meant = nearest(name, known);
  const holding = known.filter((other) => other !== meant && other.includes(name));
  const near = [...(meant === undefined ? [] : [meant]), ...holding].slice(0, mostNamed);
  if (near.length > 0) return `${missing}; did you mean ${near.join(", ")}?`;
  const more = known.length > mostNamed ? `, and ${known.length - mostNamed} more` : "";
  return `${missing}; there are ${known.slice(0, mostNamed).join(", ")}${more}`;
}
