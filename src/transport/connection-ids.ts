/** Longest part of an id taken from a peer's address; the rest of a directory name is ours. */
const maxPrefixLength = 100;

/**
 * Numbers connections by their origin: `unix-1`, `10.0.0.7-2`. A number is reused when its connection has ended, so
 * that nodes without a name fill a bounded set of directories however often they reconnect.
 */
export class ConnectionIds {
  /** Numbers in use, by prefix. */
  readonly #taken = new Map<string, Set<number>>();

  /** The id with the smallest number currently free; safe as a directory name. */
  take(origin: string): string {
    const prefix = prefixOf(origin);
    let numbers = this.#taken.get(prefix);
    if (numbers === undefined) {
      numbers = new Set();
      this.#taken.set(prefix, numbers);
    }
    let number = 1;
    while (numbers.has(number)) number += 1;
    numbers.add(number);
    return `${prefix}-${number}`;
  }

  giveBack(id: string): void {
    const dash = id.lastIndexOf("-");
    const prefix = id.slice(0, dash);
    const numbers = this.#taken.get(prefix);
    numbers?.delete(Number(id.slice(dash + 1)));
    if (numbers?.size === 0) this.#taken.delete(prefix);
  }
}

function prefixOf(origin: string): string {
  const plain = origin.replace(/[^A-Za-z0-9.-]+/g, "-").replace(/^[.-]+|[.-]+$/g, "");
  return plain.slice(0, maxPrefixLength) || "peer";
}
