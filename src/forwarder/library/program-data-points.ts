import { nodeInfoName } from "../../nodes/node-info.js";

/** How a program describes itself in `NodeInfo`; readers need all fields, even empty ones. */
export interface ProgramInfo {
  readonly name: string;
  readonly protocol?: string | undefined;
  readonly version?: string | undefined;
  readonly commit?: string | undefined;
}

/** JSON documents by name, made when they are requested. */
export class ProgramDataPoints {
  readonly #values = new Map<string, () => unknown>();
  readonly #onUnusable: (message: string) => void;

  constructor(
    { name, protocol = "", version = "", commit = "" }: ProgramInfo,
    onUnusable: (message: string) => void,
  ) {
    this.#onUnusable = onUnusable;
    const niStartTime = new Date().toISOString();
    const info = { niName: name, niProtocol: protocol, niVersion: version, niCommit: commit };
    this.set(nodeInfoName, () => ({ ...info, niStartTime, niSystemStartTime: niStartTime }));
  }

  /** Replaces an earlier one of this name. */
  set(name: string, value: () => unknown): void {
    this.#values.set(name, value);
  }

  /** Undefined if there is none of this name, or it cannot be made. */
  get(name: string): Uint8Array | undefined {
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    try {
      const json: string | undefined = JSON.stringify(value());
      return json === undefined ? undefined : Buffer.from(json);
    } catch (error) {
      this.#onUnusable(`the data point ${name} cannot be made: ${String(error)}`);
      return undefined;
    }
  }
}
