import type { Connection } from "../transport/connection.js";
import { requestedNames } from "./names.js";
import type { SessionFault } from "./session-faults.js";

/**
 * Why a node's name is not allowed by its connection's credentials, if it is not. A name that leaves
 * nothing counts as none; a clash's suffix is ours and is not checked.
 */
export function nameNotAllowed(
  { id, allows = () => true }: Connection,
  rawName: string | undefined,
): SessionFault | undefined {
  const { name } = requestedNames(rawName, id);
  const told = name === id ? undefined : name;
  return allows(told) ? undefined : { code: "name-not-allowed", node: told };
}
