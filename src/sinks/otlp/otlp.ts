import type { ValueOf } from "../../fields/kind.js";
import { openInOrder } from "../open-in-order.js";
import type { Sink } from "../sink.js";
import type { SinkContext, SinkKind } from "../sink-kind.js";
import type { Collector } from "./collector.js";
import { readCredentials } from "./credentials.js";
import { type otlpOptions, otlpSinkName } from "./options.js";

type OtlpOptions = ValueOf<typeof otlpOptions>;

export interface OtlpConfig {
  readonly muninn: {
    readonly sinks: readonly ({ readonly kind: string } | ({ readonly kind: "otlp" } & OtlpOptions))[];
  };
}

/** Most connections to one collector, and so most nodes with a request in flight. */
const maxSockets = 16;

/** Trace objects as OpenTelemetry logs (`muninn.sinks`, kind `otlp`). */
export const otlp: SinkKind<OtlpConfig> = {
  kind: "otlp",
  open: async ({ muninn: { sinks } }, context) => {
    const wanted = sinks.filter((sink): sink is { kind: "otlp" } & OtlpOptions => sink.kind === "otlp");
    return openInOrder(wanted.map((options) => async () => [await openOne(options, context)]));
  },
};

async function openOne(options: OtlpOptions, { log, version, readFile }: SinkContext): Promise<Sink> {
  // Loaded only if configured, so that it does not slow down every start.
  const [{ Collector: Client }, { Senders }, { RequiredOtlpSink }, { BestEffortOtlpSink }] =
    await Promise.all([
      import("./collector.js"),
      import("./senders.js"),
      import("./required-otlp-sink.js"),
      import("./best-effort-otlp-sink.js"),
    ]);
  const { url, compression, timeoutMs, batchObjects, batchBytes, body, queueBytes } = options;
  const credentials = () => readCredentials(options, readFile);
  const collector: Collector = new Client(
    { url: new URL(url), compression, timeoutMs, version, maxSockets },
    await credentials(),
  );
  const senders = new Senders({
    collector,
    where: url,
    version,
    serviceNamespace: options.serviceNamespace,
    batchObjects,
    batchBytes,
    delayMs: options.required ? 0 : options.batchDelayMs,
    isRequired: options.required,
    log,
  });
  const shared = {
    name: otlpSinkName(options),
    senders,
    body,
    batchObjects,
    batchBytes,
    reload: async () => collector.use(await credentials()),
  };
  return options.required ? new RequiredOtlpSink(shared) : new BestEffortOtlpSink({ ...shared, queueBytes });
}
