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
      "log files open at once, with some of their directories for moments; lowered to what the process may have",
    ),
    idleTimeout: withDefault(
      duration({ orZero: "keeps files open" }),
      "30s",
      "time after which a file nobody writes to is closed; `0` keeps files open",
    ),
  }),
  durability: withDefault(
    choice("os", "disk"),
    "os",
    "a line is safe when the operating system has it, or the disk",
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
    "permissions of the socket file; absent: the umask decides, `0770` at most: where it would have let everybody connect, a warning says so",
  ),
  maxConnections: withDefault(
    wholeNumber(1, 1_000_000),
    4_096,
    "connections at once; fewer, with a warning, where the process may not open that many files beside its log files",
  ),
  maxObjectBytes: withDefault(
    size(kibibyte, gibibyte),
    "16MiB",
    "size of one trace object; a node that sends a longer one is cut off",
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
    "requests outstanding at one node at most; as many are used as its link needs, or as are worth a write. More drain distant nodes faster, and more is lost if Muninn is killed",
  ),
  maxInFlightBytes: withDefault(
    size(mebibyte, tebibyte),
    "256MiB",
    "size of all that is asked for or received and not yet written, of all nodes together",
  ),
  handshakeTimeout: withDefault(duration(), "10s", "time for a handshake"),
  nameTimeout: withDefault(
    duration(),
    "10s",
    "time for a node to tell its name; after that it is named by its connection",
  ),
  nameFrom: withDefault(
    list(choice("nodeInfo", "hostname"), "sources of names", { leastOne: "source" }),
    ["nodeInfo"],
    "where the name of a node comes from, the first that gives one: its data point `NodeInfo`, or the host that its objects name",
  ),
  reconnect: withDefault(
    ruled(
      mapping({
        initial: withDefault(duration(), "1s", "first pause before connecting again, in `ConnectTo` mode"),
        max: withDefault(duration(), "45s", "longest such pause"),
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
      host: required(host(), "where health is served beside the Prometheus port"),
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
    "Muninn's own log goes the way of nodes' traces, too, as that of a node called `muninn`",
  ),
  prometheus: group(
    {
      instanceLabel: withDefault(
        flag(),
        false,
        "give each target of `/targets` a label `instance` of its own: the node's name",
      ),
    },
    { live: true },
  ),
  timeseries,
  collect: withDefault(natsCredentials, {}, ""),
  auth: group(auth, { live: true }),
};
