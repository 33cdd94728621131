import { list, ruled } from "../../fields/compound-kinds.js";
import { group, optional, required, withDefault } from "../../fields/field.js";
import { mapping } from "../../fields/mapping.js";
import { choice, duration, flag, host, mode, port, size, wholeNumber } from "../../fields/plain-kinds.js";
import { forwardingOptions } from "../../sinks/forwarding/options.js";
import { natsCredentials } from "../../sinks/nats/options.js";
import { sinkOptions } from "../../sinks/sink-options.js";
import { auth } from "./auth.js";
import { links } from "./links.js";
import { otlpIn } from "./otlp-in.js";
import { timeseries } from "./timeseries.js";

const kibibyte = 2 ** 10;
const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;
const tebibyte = 2 ** 40;

const maxAnswerBytes =
  "is now muninn.maxMetricsBytes and muninn.maxDataPointBytes; it sets both where they are absent";

/** Muninn's own fields; a group of more than a few has its own file next to this one. */
export const muninn = {
  registry: group({
    maxOpenFiles: withDefault(
      wholeNumber(1, 1_000_000),
      4_096,
      "log files open at once, and briefly some of their directories; lowered to what the process's limit allows",
    ),
    idleTimeout: withDefault(
      duration({ orZero: "keeps files open" }),
      "30s",
      "time after which a file that is not written to is closed; `0` keeps files open",
    ),
  }),
  durability: withDefault(
    choice("os", "disk"),
    "os",
    "whether a line counts as safe once the operating system has it, or once the disk has it",
  ),
  humanLayout: withDefault(
    choice("console", "text"),
    "console",
    "ForHuman lines with time, severity and namespace, or the bare text",
  ),
  files: group({
    mode: optional(
      mode({ least: 0o600, example: "0640" }),
      "permissions of log files; absent: the umask decides, `0644` at most",
    ),
    dirMode: optional(
      mode({ least: 0o700, example: "0750" }),
      "permissions of log directories; absent: the umask decides, `0755` at most",
    ),
  }),
  socketMode: optional(
    mode({ least: 0o600, example: "0660" }),
    "permissions of the socket file; absent: the umask decides, `0770` at most, with a warning if it would have let everybody connect",
  ),
  maxConnections: withDefault(
    wholeNumber(1, 1_000_000),
    4_096,
    "connections at once; fewer, with a warning, if the process may not open that many files in addition to its log files",
  ),
  maxObjectBytes: withDefault(
    size(kibibyte, gibibyte),
    "16MiB",
    "size of one trace object; a node that sends a longer one is disconnected",
  ),
  maxMetricsBytes: withDefault(size(kibibyte, gibibyte), "1MiB", "size of one answer with metrics", {
    formerly: { maxAnswerBytes },
  }),
  maxDataPointBytes: withDefault(size(kibibyte, gibibyte), "256KiB", "size of one answer with data points", {
    formerly: { maxAnswerBytes },
  }),
  maxMetricsPerNode: withDefault(wholeNumber(1, 10_000_000), 10_000, "metrics kept of one node"),
  requestsAhead: withDefault(
    wholeNumber(1, 1_024),
    200,
    "most requests outstanding at one node; only as many are used as its link needs, or as make a worthwhile write. More lets distant nodes deliver faster, and loses more if Muninn is killed",
  ),
  maxInFlightBytes: withDefault(
    size(mebibyte, tebibyte),
    "256MiB",
    "total size of everything asked for or received but not yet written, for all nodes together",
  ),
  handshakeTimeout: withDefault(duration(), "10s", "time for a handshake"),
  nameTimeout: withDefault(
    duration(),
    "10s",
    "time for a node to give its name; after that it is named after its connection",
  ),
  nameFrom: withDefault(
    list(choice("nodeInfo", "hostname"), "sources of names", { leastOne: "source" }),
    ["nodeInfo"],
    "where a node's name comes from; the first source that has one wins: its data point `NodeInfo`, or the host named in its objects",
  ),
  reconnect: withDefault(
    ruled(
      mapping({
        initial: withDefault(duration(), "1s", "first pause before connecting again, in `ConnectTo` mode"),
        max: withDefault(duration(), "45s", "longest pause"),
      }),
      ({ initialMs, maxMs }) =>
        initialMs > maxMs
          ? { path: ["initial"], message: "is longer than muninn.reconnect.max; must not be" }
          : undefined,
    ),
    {},
    "",
  ),
  links: withDefault(links, [], ""),
  health: optional(
    mapping({
      host: required(host(), "where health is served, in addition to the Prometheus port"),
      port: required(port(), "0 is any free port"),
    }),
    "",
  ),
  ui: optional(
    mapping({
      host: required(host(), "where the page is served; beyond loopback it needs `muninn.auth.ui`"),
      port: required(port(), "0 is any free port"),
    }),
    "",
  ),
  forwarding: forwardingOptions,
  sinks: withDefault(list(sinkOptions, "sinks"), [], ""),
  otlp: optional(otlpIn, ""),
  selfTrace: withDefault(
    flag(),
    false,
    "Muninn's own log is also handled like the traces of a node, one called `muninn`",
  ),
  prometheus: group(
    {
      instanceLabel: withDefault(
        flag(),
        false,
        "give each target in `/targets` its own label `instance`: the node's name",
      ),
    },
    { live: true },
  ),
  timeseries,
  collect: withDefault(natsCredentials, {}, ""),
  auth: group(auth, { live: true }),
};
