import { type FilesConfig, files } from "./files/files.js";
import { type ForwardingConfig, forwarding } from "./forwarding/forwarding.js";
import { type JournalConfig, journal } from "./journal/journal.js";
import { type LiveConfig, live } from "./live/live.js";
import { type NatsConfig, nats } from "./nats/nats.js";
import { openInOrder } from "./open-in-order.js";
import { type OtlpConfig, otlp } from "./otlp/otlp.js";
import type { Sink } from "./sink.js";
import type { SinkContext, SinkKind } from "./sink-kind.js";
import type { ConfiguredKind } from "./sink-options.js";

/** The parts of the configuration that sinks read. */
export type SinkConfig = FilesConfig &
  ForwardingConfig &
  JournalConfig &
  LiveConfig &
  NatsConfig &
  OtlpConfig;

/** The kinds of `muninn.sinks`, whose options are described in `sink-options.ts`. */
const configuredKinds: Readonly<Record<ConfiguredKind, SinkKind<SinkConfig>>> = { nats, otlp };

/** Every kind of sink. */
export const sinkKinds: readonly SinkKind<SinkConfig>[] = [
  files,
  forwarding,
  journal,
  live,
  ...Object.values(configuredKinds),
];

/**
 * Opens the sinks that the configuration asks for.
 * @throws the error of the first kind that cannot be opened; those opened before are stopped
 */
export function openSinks(
  config: SinkConfig,
  context: SinkContext,
  kinds: readonly SinkKind<SinkConfig>[] = sinkKinds,
): Promise<readonly Sink[]> {
  return openInOrder(kinds.map((kind) => () => kind.open(config, context)));
}
