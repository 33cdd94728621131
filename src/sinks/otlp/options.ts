import { optional, required, withDefault } from "../../fields/field.js";
import { mapping } from "../../fields/mapping.js";
import {
  choice,
  duration,
  fileName,
  flag,
  httpUrl,
  size,
  text,
  texts,
  wholeNumber,
} from "../../fields/plain-kinds.js";

const kibibyte = 2 ** 10;
const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;
const tebibyte = 2 ** 40;

/** `muninn.sinks: [{kind: otlp, …}]`: trace objects as OpenTelemetry logs, over HTTP with protobuf. */
export const otlpOptions = mapping({
  url: required(
    httpUrl({ inPlaceOfSecrets: "give the header Authorization in headersFile" }),
    "where the collector accepts logs: `http://127.0.0.1:4318/v1/logs`",
  ),
  name: optional(text(), "name of this sink in metrics and health, to tell several apart; absent: the URL"),
  required: withDefault(
    flag(),
    false,
    "wait until the collector has accepted each batch; otherwise what does not fit in the queue is dropped and counted",
  ),
  compression: withDefault(choice("gzip", "none"), "gzip", "how requests are compressed"),
  body: withDefault(
    choice("text", "parsed"),
    "text",
    "the machine text unchanged, or parsed into a list of keys and values",
  ),
  serviceNamespace: optional(text(), "the resource attribute `service.namespace`"),
  headers: withDefault(texts("header to value"), {}, "headers of each request"),
  headersFile: optional(
    fileName(),
    "a file with more headers, one `Name: value` per line, for secrets; read again on SIGHUP",
  ),
  batchObjects: withDefault(wholeNumber(1, 100_000), 1_000, "most trace objects in a request"),
  batchBytes: withDefault(
    size(kibibyte, gibibyte),
    "4MiB",
    "size of a request before compression, unless one object is larger",
  ),
  batchDelay: withDefault(
    duration({ orZero: "sends at once" }),
    "200ms",
    "how long a best-effort sink waits for more objects before a request; `0` sends at once",
  ),
  queueBytes: withDefault(
    size(mebibyte, tebibyte),
    "64MiB",
    "size of what waits for the collector if the sink is not required; the oldest is dropped first",
  ),
  timeout: withDefault(duration(), "10s", "time to wait for an answer before a request is sent again"),
  caFile: optional(fileName(), "certificate authority of the collector; absent: the system's"),
  certificateFile: optional(fileName(), "our certificate, for a collector that asks for one"),
  certificateKeyFile: optional(fileName(), "and its key"),
});

/** The sink's name in metrics and health. */
export function otlpSinkName({
  name,
  url,
}: {
  readonly name?: string | undefined;
  readonly url: string;
}): string {
  return `otlp:${name ?? url}`;
}
