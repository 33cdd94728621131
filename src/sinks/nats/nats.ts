import type { ValueOf } from "../../fields/kind.js";
import { openInOrder } from "../open-in-order.js";
import type { Sink } from "../sink.js";
import type { SinkContext, SinkKind } from "../sink-kind.js";
import { type natsOptions, natsSinkName } from "./options.js";

type NatsOptions = ValueOf<typeof natsOptions>;

export interface NatsConfig {
  readonly muninn: {
    readonly sinks: readonly ({ readonly kind: string } | ({ readonly kind: "nats" } & NatsOptions))[];
  };
}

/** Batches as messages of a NATS JetStream stream (`muninn.sinks`, kind `nats`). */
export const nats: SinkKind<NatsConfig> = {
  kind: "nats",
  open: async ({ muninn: { sinks } }, context) => {
    const wanted = sinks.filter((sink): sink is { kind: "nats" } & NatsOptions => sink.kind === "nats");
    return openInOrder(wanted.map((options) => async () => [await openOne(options, context)]));
  },
};

async function openOne(options: NatsOptions, { log, readFile }: SinkContext): Promise<Sink> {
  // Loaded only if it is configured, so that other configurations start faster.
  const [
    { readNatsCredentials },
    { StreamWriter },
    { Senders },
    { RequiredNatsSink },
    { BestEffortNatsSink },
  ] = await Promise.all([
    import("./credentials.js"),
    import("./stream-writer.js"),
    import("./senders.js"),
    import("./required-nats-sink.js"),
    import("./best-effort-nats-sink.js"),
  ]);
  const { servers, stream, subject, create, timeoutMs, batchBytes, queueBytes } = options;
  const credentials = () => readNatsCredentials("muninn.sinks", options, servers, readFile);
  const writer = new StreamWriter({
    servers,
    stream,
    subject,
    create,
    timeoutMs,
    isRequired: options.required,
    credentials: await credentials(),
    log,
  });
  const shared = {
    name: natsSinkName(options),
    senders: new Senders({ writer, batchBytes }),
    reload: async () => writer.use(await credentials()),
  };
  return options.required ? new RequiredNatsSink(shared) : new BestEffortNatsSink({ ...shared, queueBytes });
}
