import type { NodeIdentity } from "../../../src/nodes/identity.js";
import type { ObjectAccount } from "../../../src/sinks/sink.js";

export function identity(name: string): NodeIdentity {
  return { connectionId: `unix-${name}`, name, directory: name, slug: name };
}

/** Counts like the tracer's own accounting. */
export class CountedAccount implements ObjectAccount {
  receivedObjects = 0;
  writtenObjects = 0;
  readonly droppedObjects = new Map<string, number>();

  received(objects: number): void {
    this.receivedObjects += objects;
  }
  written(objects: number): void {
    this.writtenObjects += objects;
  }
  dropped(reason: string, objects: number): void {
    this.droppedObjects.set(reason, (this.droppedObjects.get(reason) ?? 0) + objects);
  }

  get settled(): number {
    let sum = this.writtenObjects;
    for (const count of this.droppedObjects.values()) sum += count;
    return sum;
  }
}
