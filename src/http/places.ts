import type { HttpLimits } from "./endpoint-options.js";

/** The share of the files that a process may have open, for the connections of one endpoint. */
const partOfFiles = 1 / 32;

/** Limits of connections at one endpoint of a process that may have `openFiles` files open; for all endpoints see `filesOf`. */
export function placesWithin(openFiles: number): Required<Places> {
  const maxConnections = Math.max(8, Math.min(2_048, Math.floor(openFiles * partOfFiles)));
  return { maxConnections, reservedConnections: Math.min(16, Math.floor(maxConnections / 4)) };
}

type Places = Pick<HttpLimits, "maxConnections" | "reservedConnections">;

/** Open files reserved for this many endpoints, so that health is answered whatever nodes do. */
export function filesOf(endpoints: number, openFiles: number): number {
  const { maxConnections, reservedConnections } = placesWithin(openFiles);
  // One is the listening socket.
  return endpoints * (1 + maxConnections + reservedConnections);
}
