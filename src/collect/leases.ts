import type { KV, KvEntry } from "@nats-io/kv";
import type { NatsSession } from "../sinks/nats/link.js";

/** A lease that is not renewed for this long expires. */
export const leaseMs = 15_000;

export interface LeasesOptions {
  readonly session: NatsSession;
  readonly stream: string;
  readonly group: string;
  /** Our id: the same after a restart, so that our own leases need not expire first. */
  readonly id: string;
}

/** Decides who reads which subject, in a key-value bucket whose entries expire. */
export class Leases {
  readonly #bucket: KV;
  readonly #id: string;
  readonly #revisions = new Map<string, number>();

  private constructor(bucket: KV, id: string) {
    this.#bucket = bucket;
    this.#id = id;
  }

  static async open({ session, stream, group, id }: LeasesOptions): Promise<Leases> {
    const { Kvm } = await import("@nats-io/kv");
    const { config } = await session.manager.streams.info(stream);
    const bucket = await new Kvm(session.jetStream).create(bucketName(stream, group), {
      ttl: leaseMs,
      history: 1,
      replicas: config.num_replicas,
    });
    return new Leases(bucket, id);
  }

  /** Announces that we are alive; resolves with the number of members. */
  async join(): Promise<number> {
    await this.#bucket.put(`member.${this.#id}`, this.#id);
    let members = 0;
    for await (const _ of await this.#bucket.keys("member.*")) members += 1;
    return Math.max(1, members);
  }

  /** Takes or renews a lease; resolves with whether it is ours now. */
  async hold(name: string): Promise<boolean> {
    const key = `lease.${name}`;
    const revision = this.#revisions.get(name) ?? (await this.#ownRevision(key));
    try {
      const next =
        revision === undefined
          ? await this.#bucket.create(key, this.#id)
          : await this.#bucket.update(key, this.#id, revision);
      this.#revisions.set(name, next);
      return true;
    } catch (error) {
      if (!(await isWrongRevision(error))) throw error;
      this.#revisions.delete(name);
      return false;
    }
  }

  /** Gives up a lease, so that others can have it at once. */
  async release(name: string): Promise<void> {
    const revision = this.#revisions.get(name);
    this.#revisions.delete(name);
    if (revision !== undefined) await this.#bucket.delete(`lease.${name}`, { previousSeq: revision });
  }

  async leave(): Promise<void> {
    await this.#bucket.delete(`member.${this.#id}`);
  }

  async #ownRevision(key: string): Promise<number | undefined> {
    const entry: KvEntry | null = await this.#bucket.get(key);
    return entry?.operation === "PUT" && entry.string() === this.#id ? entry.revision : undefined;
  }
}

/** Another collector was first. */
async function isWrongRevision(error: unknown): Promise<boolean> {
  const { JetStreamApiCodes, JetStreamApiError } = await import("@nats-io/jetstream");
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
      error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)
  );
}

function bucketName(stream: string, group: string): string {
  return `muninn_${group}_${stream.replace(/[^\w-]/g, "_")}`;
}
