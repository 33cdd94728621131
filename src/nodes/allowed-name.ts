import type { Connection } from "../transport/connection.js";
import { requestedNames } from "./names.js";
import type { SessionFault } from "./session-faults.js";

/**
 * What is wrong with a node's name by the credentials that its connection has shown, if anything. A name that leaves
 * nothing is none; a clash's suffix is ours, and not checked.
 */
export function nameNotAllowed(
  { id, allows = () => true }: Connection,
  rawName: string | undefined,
): SessionFault | undefined {
  const { name } = requestedNames(rawName, id);
  const told = name === id ? undefined : name;
  return allows(told) ? undefined : { code: "name-not-allowed", node: told };
}
