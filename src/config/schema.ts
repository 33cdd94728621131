import * as v from "valibot";
import { defined } from "../fields/defined.js";
import {
  address,
  alternatives,
  choice,
  duration,
  fileName,
  flag,
  found,
  group,
  host,
  list,
  mapping,
  mode,
  object,
  optional,
  parts,
  port,
  seconds,
  secret,
  size,
  text,
  texts,
  wholeNumber,
  withDefault,
} from "../fields/fields.js";
import { longestMs } from "../fields/quantities.js";
import type { Endpoint, Forwarding, LoggingSection, Network, Rotation } from "./config.js";

// What a configuration is: cardano-tracer's fields (its Configuration.hs, of June 2026) and ours below `muninn`.

const uint16 = 2 ** 16 - 1;
const uint32 = 2 ** 32 - 1;
const uint53 = Number.MAX_SAFE_INTEGER;
const kibibyte = 2 ** 10;
const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;
const tebibyte = 2 ** 40;

const network = v.pipe(
  alternatives(
    "tag",
    [
      object({ tag: v.literal("AcceptAt"), contents: address() }),
      object({
        tag: v.literal("ConnectTo"),
        contents: v.pipe(
          list(address(), "addresses"),
          v.minLength(1, "is an empty list; must have at least one address"),
        ),
      }),
    ],
    {
      tags: "AcceptAt or ConnectTo",
      otherwise: "{tag: AcceptAt, contents: ADDRESS} or {tag: ConnectTo, contents: [ADDRESS, …]}",
    },
  ),
  v.transform(
    (given): Network =>
      given.tag === "AcceptAt"
        ? { mode: given.tag, address: given.contents }
        : { mode: given.tag, addresses: given.contents },
  ),
);

const endpoint = v.pipe(
  mapping({ epHost: host(), epPort: port(), epForceSSL: withDefault(flag(), false) }),
  v.transform(
    ({ epHost, epPort, epForceSSL }): Endpoint => ({ host: epHost, port: epPort, forceSsl: epForceSSL }),
  ),
);

const tlsCertificate = mapping({
  certificateFile: fileName(),
  certificateKeyFile: fileName(),
  certificateChain: withDefault(list(fileName(), "file names"), []),
});

const forwarding = v.pipe(
  parts(
    [
      network,
      optional(list(list(text(), "the parts of a namespace"), "namespaces, each a list of its parts")),
      mapping({
        tofQueueSize: withDefault(wholeNumber(1, uint32), 192),
        tofVerbosity: withDefault(choice("Minimum", "Maximum"), "Minimum"),
        tofMaxReconnectDelay: withDefault(seconds(), 45),
      }),
    ],
    "network, namespaces (or null) and options",
  ),
  v.transform(
    ([to, prefixes, options]): Forwarding => ({
      network: to,
      ...defined({ prefixes }),
      queueSize: options.tofQueueSize,
      verbosity: options.tofVerbosity,
      maxReconnectDelayMs: options.tofMaxReconnectDelay,
    }),
  ),
);

const logFormat = choice("ForMachine", "ForHuman");

const loggingSection = v.pipe(
  alternatives(
    "logMode",
    [
      object({ logRoot: fileName("directory"), logMode: v.literal("FileMode"), logFormat }),
      object({
        logRoot: v.string(({ input }) => `${found(input)}; must be a text`),
        logMode: v.literal("JournalMode"),
        logFormat,
      }),
    ],
    { tags: "FileMode or JournalMode", otherwise: "a mapping of logRoot, logMode, logFormat" },
  ),
  v.transform(
    (given): LoggingSection => ({ logRoot: given.logRoot, mode: given.logMode, format: given.logFormat }),
  ),
);

const rotation = v.pipe(
  mapping({
    rpFrequencySecs: withDefault(wholeNumber(1, uint32), 60),
    rpLogLimitBytes: wholeNumber(1, uint53),
    rpMaxAgeMinutes: optional(wholeNumber(0, uint53)),
    rpMaxAgeHours: withDefault(wholeNumber(0, uint53), 24),
    rpKeepFilesNum: wholeNumber(0, uint32),
  }),
  v.transform(
    (given): Rotation => ({
      frequencyMs: Math.min(given.rpFrequencySecs * 1_000, longestMs),
      limitBytes: given.rpLogLimitBytes,
      maxAgeMs: (given.rpMaxAgeMinutes ?? given.rpMaxAgeHours * 60) * 60_000,
      keepFiles: given.rpKeepFilesNum,
    }),
  ),
);

/** One of two ways; never shown in a message. */
const auth = optional(
  v.pipe(
    mapping({
      bearerToken: optional(
        secret("a token of letters, digits and -._~+/, perhaps with = at its end", /^[\w.~+/-]+=*$/),
      ),
      basic: optional(
        mapping({
          user: secret("a user name without a colon", /^[^:\p{Cc}]+$/u),
          password: secret("a password", /^\P{Cc}+$/u),
        }),
      ),
    }),
    v.check(
      ({ bearerToken, basic }) => (bearerToken === undefined) !== (basic === undefined),
      "must have either bearerToken or basic",
    ),
    v.transform(({ bearerToken, basic }) => basic ?? { bearerToken: bearerToken! }),
  ),
);

const muninn = group({
  registry: group({
    maxOpenFiles: withDefault(wholeNumber(1, 1_000_000), 4_096),
    idleTimeout: withDefault(duration({ orZero: "keeps files open" }), "30s"),
  }),
  durability: withDefault(choice("os", "disk"), "os"),
  humanLayout: withDefault(choice("console", "text"), "console"),
  files: group({
    mode: optional(mode({ least: 0o600, example: "0640" })),
    dirMode: optional(mode({ least: 0o700, example: "0750" })),
  }),
  socketMode: optional(mode({ least: 0o600, example: "0660" })),
  maxConnections: withDefault(wholeNumber(1, 1_000_000), 4_096),
  maxObjectBytes: withDefault(size(kibibyte, gibibyte), "16MiB"),
  maxAnswerBytes: withDefault(size(kibibyte, gibibyte), "64MiB"),
  requestsAhead: withDefault(wholeNumber(1, 1_024), 200),
  maxInFlightBytes: withDefault(size(mebibyte, tebibyte), "256MiB"),
  handshakeTimeout: withDefault(duration(), "10s"),
  nameTimeout: withDefault(duration(), "10s"),
  reconnect: group({
    initial: withDefault(duration(), "1s"),
    max: withDefault(duration(), "45s"),
  }),
  health: optional(mapping({ host: host(), port: port() })),
  auth: group({ prometheus: auth, ekg: auth, health: auth }),
});

export const configSchema = object({
  networkMagic: wholeNumber(0, uint32),
  network,
  loRequestNum: withDefault(wholeNumber(1, uint16), 100),
  ekgRequestFreq: withDefault(seconds(), 1),
  ekgRequestFull: withDefault(flag(), false),
  hasPrometheus: optional(endpoint),
  hasEKG: optional(endpoint),
  hasTimeseries: optional(endpoint),
  tlsCertificate: optional(tlsCertificate),
  hasForwarding: optional(forwarding),
  logging: v.pipe(
    list(loggingSection, "sections"),
    v.minLength(1, "is an empty list; must have at least one section"),
  ),
  rotation: optional(rotation),
  verbosity: optional(choice("Minimum", "ErrorsOnly", "Maximum")),
  metricsNoSuffix: withDefault(flag(), false),
  metricsHelp: optional(
    v.union(
      [fileName(), texts("metric name to help text")],
      ({ input }) => `${found(input)}; must be the name of a file or a mapping of metric name to help text`,
    ),
  ),
  prometheusLabels: withDefault(texts("label to value"), {}),
  resourceFreq: optional(
    v.pipe(
      wholeNumber(1, uint53),
      v.transform((ms) => Math.min(ms, longestMs)),
    ),
  ),
  muninn,
});

/** The values of all fields, as the schema gives them. */
export type Fields = v.InferOutput<typeof configSchema>;
