import { orFirstOf } from "../fields/compound-kinds.js";
import { group, optional, required, retired, withDefault } from "../fields/field.js";
import { mapping } from "../fields/mapping.js";
import {
  choice,
  fileNameOr,
  flag,
  milliseconds,
  seconds,
  texts,
  wholeNumber,
} from "../fields/plain-kinds.js";
import { endpoint } from "./groups/endpoint.js";
import { forwarding } from "./groups/forwarding.js";
import { logging } from "./groups/logging.js";
import { muninn } from "./groups/muninn.js";
import { network } from "./groups/network.js";
import { rotation } from "./groups/rotation.js";
import { tlsCertificate } from "./groups/tls-certificate.js";

// The fields of a configuration: cardano-tracer's (its Configuration.hs, of June 2026) and ours below `muninn`.
//
// How to add a field: write one entry, here or in a file of `groups/`:
//
//     nameTimeout: withDefault(duration(), "10s", "time for a node to give its name", { live: true }),
//
// * `required(kind, doc)`, `optional(kind, doc)` or `withDefault(kind, value as in a file, doc)`; `group({…})` is a
//   mapping of such fields that may be absent.
// * The kind (src/fields/*-kinds.ts) knows unit, bounds, error messages, the printed form, and whether it is a secret.
// * `live: true` if a reload (SIGHUP) applies a change; the tracer must then do so.
// * `as` gives it another name in the effective configuration; kinds of times append `Ms` automatically.
// * `formerly` are earlier names, each with the warning for whoever still uses it; `retired(…)` is a field that no longer
//   has an effect.
//
// * If HTTP is served at its own host and port, add a row to `listeners.ts`.
//
// That entry gives the type in `Config`, the default, the form that `muninn check` prints, suggestions for misspelt keys,
// what a reload does, and the table in docs/configuration.md (`npm run docs:configuration` writes it). Add it to
// config/complete.yaml as well: a test fails if it is missing.

/** With one wrong name Prometheus drops every target of the list. */
function wrongLabelName(name: string): string | undefined {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
    ? undefined
    : "is not a label name: it must consist of letters, digits and _, and not begin with a digit; Prometheus would drop all targets";
}

const uint16 = 2 ** 16 - 1;
const uint32 = 2 ** 32 - 1;

export const configFields = {
  networkMagic: required(wholeNumber(0, uint32), "the network's magic number, the same as the nodes'"),
  network: required(network, "the nodes"),
  loRequestNum: withDefault(wholeNumber(1, uint16), 100, "trace objects per request"),
  ekgRequestFreq: withDefault(seconds(), 1, "pause between requests for metrics", { live: true }),
  ekgRequestFull: withDefault(
    flag(),
    false,
    "ask for all metrics each time, not only for those that changed",
    {
      live: true,
    },
  ),
  hasPrometheus: optional(endpoint, ""),
  hasEKG: optional(
    orFirstOf(
      endpoint,
      "is a list, as cardano-tracer before 0.3 had it; its first endpoint serves all, the others are not used",
    ),
    "",
  ),
  hasTimeseries: optional(endpoint, ""),
  tlsCertificate: optional(tlsCertificate, "", { live: true }),
  hasForwarding: optional(forwarding, ""),
  logging: required(logging, ""),
  rotation: optional(rotation, "", { live: true }),
  verbosity: optional(
    choice("Minimum", "ErrorsOnly", "Maximum"),
    "which severities the tracer's own log contains: Notice and above, Error and above, or all; absent: Info and above",
    { live: true },
  ),
  metricsNoSuffix: withDefault(flag(), false, "drop `_int`, `_counter`, `_real` from the names of metrics", {
    live: true,
  }),
  metricsHelp: optional(
    fileNameOr(texts("metric name to help text")),
    "help texts for metrics on the Prometheus port, by internal metric name",
    {
      live: true,
    },
  ),
  prometheusLabels: withDefault(
    texts("label to value", wrongLabelName),
    {},
    "labels for every target in service discovery",
    {
      live: true,
    },
  ),
  resourceFreq: optional(milliseconds(), "how often the tracer logs its own resource usage; absent: never", {
    live: true,
  }),
  muninn: group(muninn),

  hasRTView: retired("is not used: cardano-tracer removed RTView in 0.5; use Prometheus and Grafana instead"),
  metricsComp: retired(
    "is not used: cardano-tracer removed it in 0.3.2; every metric has one name, that of the node",
  ),
};

export const configuration = mapping(configFields);
