import { z } from "zod";
import type { Endpoint, Forwarding, LoggingSection, Network, Rotation, TlsCertificate } from "./config.js";
import { defined } from "./defined.js";
import {
  address,
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
  optional,
  port,
  seconds,
  secret,
  size,
  text,
  texts,
  wholeNumber,
  withDefault,
  wrongTag,
} from "./fields.js";
import { longestMs } from "./quantities.js";

// What a configuration is: cardano-tracer's fields (its Configuration.hs, of June 2026) and ours below `muninn`.

const uint16 = 2 ** 16 - 1;
const uint32 = 2 ** 32 - 1;
const uint53 = Number.MAX_SAFE_INTEGER;
const kibibyte = 2 ** 10;
const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;
const tebibyte = 2 ** 40;

const network = z
  .discriminatedUnion(
    "tag",
    [
      z.object({ tag: z.literal("AcceptAt"), contents: address() }),
      z.object({
        tag: z.literal("ConnectTo"),
        contents: list(address(), "addresses").min(1, {
          error: "is an empty list; must have at least one address",
        }),
      }),
    ],
    wrongTag(
      "tag",
      "AcceptAt or ConnectTo",
      "{tag: AcceptAt, contents: ADDRESS} or {tag: ConnectTo, contents: [ADDRESS, …]}",
    ),
  )
  .transform(
    (given): Network =>
      given.tag === "AcceptAt"
        ? { mode: given.tag, address: given.contents }
        : { mode: given.tag, addresses: given.contents },
  );

const endpoint = mapping({ epHost: host(), epPort: port(), epForceSSL: optional(flag()) }).transform(
  ({ epHost, epPort, epForceSSL }): Endpoint => ({
    host: epHost,
    port: epPort,
    forceSsl: epForceSSL ?? false,
  }),
);

const tlsCertificate = mapping({
  certificateFile: fileName(),
  certificateKeyFile: fileName(),
  certificateChain: optional(list(fileName(), "file names")),
}).transform(
  ({ certificateChain, ...files }): TlsCertificate => ({
    ...files,
    certificateChain: certificateChain ?? [],
  }),
);

const forwarding = z
  .tuple(
    [
      network,
      optional(list(list(text(), "the parts of a namespace"), "namespaces, each a list of its parts")),
      mapping({
        tofQueueSize: withDefault(wholeNumber(1, uint32), 192),
        tofVerbosity: withDefault(choice("Minimum", "Maximum"), "Minimum"),
        tofMaxReconnectDelay: withDefault(seconds(), 45_000),
      }),
    ],
    { error: ({ input }) => `${found(input)}; must be a list of network, namespaces (or null) and options` },
  )
  .transform(
    ([to, prefixes, options]): Forwarding => ({
      network: to,
      ...defined({ prefixes }),
      queueSize: options.tofQueueSize,
      verbosity: options.tofVerbosity,
      maxReconnectDelayMs: options.tofMaxReconnectDelay,
    }),
  );

const loggingSection = z
  .discriminatedUnion(
    "logMode",
    [
      z.object({
        logRoot: fileName("directory"),
        logMode: z.literal("FileMode"),
        logFormat: choice("ForMachine", "ForHuman"),
      }),
      z.object({
        logRoot: z.string({ error: ({ input }) => `${found(input)}; must be a text` }),
        logMode: z.literal("JournalMode"),
        logFormat: choice("ForMachine", "ForHuman"),
      }),
    ],
    wrongTag("logMode", "FileMode or JournalMode", "a mapping of logRoot, logMode, logFormat"),
  )
  .transform(
    ({ logRoot, logMode, logFormat }): LoggingSection => ({ logRoot, mode: logMode, format: logFormat }),
  );

const rotation = mapping({
  rpFrequencySecs: withDefault(wholeNumber(1, uint32), 60),
  rpLogLimitBytes: wholeNumber(1, uint53),
  rpMaxAgeMinutes: optional(wholeNumber(0, uint53)),
  rpMaxAgeHours: optional(wholeNumber(0, uint53)),
  rpKeepFilesNum: wholeNumber(0, uint32),
}).transform(
  (given): Rotation => ({
    frequencyMs: Math.min(given.rpFrequencySecs * 1_000, longestMs),
    limitBytes: given.rpLogLimitBytes,
    maxAgeMs: (given.rpMaxAgeMinutes ?? (given.rpMaxAgeHours ?? 24) * 60) * 60_000,
    keepFiles: given.rpKeepFilesNum,
  }),
);

/** One of two ways; never shown in a message. */
const auth = optional(
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
  }).transform(({ bearerToken, basic }, context) => {
    if ((bearerToken === undefined) === (basic === undefined)) {
      context.issues.push({
        code: "custom",
        input: undefined,
        message: "must have either bearerToken or basic",
      });
      return z.NEVER;
    }
    return basic ?? { bearerToken: bearerToken! };
  }),
);

const muninn = group({
  registry: group({
    maxOpenFiles: withDefault(wholeNumber(1, 1_000_000), 4_096),
    idleTimeout: withDefault(duration({ orZero: "keeps files open" }), 30_000),
  }),
  durability: withDefault(choice("os", "disk"), "os"),
  humanLayout: withDefault(choice("console", "text"), "console"),
  files: group({
    mode: optional(mode({ least: 0o600, example: "0640" })),
    dirMode: optional(mode({ least: 0o700, example: "0750" })),
  }),
  socketMode: optional(mode({ least: 0o600, example: "0660" })),
  maxConnections: withDefault(wholeNumber(1, 1_000_000), 4_096),
  maxObjectBytes: withDefault(size(kibibyte, gibibyte), 16 * mebibyte),
  maxAnswerBytes: withDefault(size(kibibyte, gibibyte), 64 * mebibyte),
  requestsAhead: withDefault(wholeNumber(1, 1_024), 200),
  maxInFlightBytes: withDefault(size(mebibyte, tebibyte), 256 * mebibyte),
  handshakeTimeout: withDefault(duration(), 10_000),
  nameTimeout: withDefault(duration(), 10_000),
  reconnect: group({
    initial: withDefault(duration(), 1_000),
    max: withDefault(duration(), 45_000),
  }),
  health: optional(mapping({ host: host(), port: port() })),
  auth: group({ prometheus: auth, ekg: auth, health: auth }),
});

export const configSchema = z.object({
  networkMagic: wholeNumber(0, uint32),
  network,
  loRequestNum: withDefault(wholeNumber(1, uint16), 100),
  ekgRequestFreq: withDefault(seconds(), 1_000),
  ekgRequestFull: withDefault(flag(), false),
  hasPrometheus: optional(endpoint),
  hasEKG: optional(endpoint),
  hasTimeseries: optional(endpoint),
  tlsCertificate: optional(tlsCertificate),
  hasForwarding: optional(forwarding),
  logging: list(loggingSection, "sections").min(1, {
    error: "is an empty list; must have at least one section",
  }),
  rotation: optional(rotation),
  verbosity: optional(choice("Minimum", "ErrorsOnly", "Maximum")),
  metricsNoSuffix: withDefault(flag(), false),
  metricsHelp: optional(
    z.union([fileName(), texts("metric name to help text")], {
      error: ({ input }) =>
        `${found(input)}; must be the name of a file or a mapping of metric name to help text`,
    }),
  ),
  prometheusLabels: withDefault(texts("label to value"), {}),
  resourceFreq: optional(wholeNumber(1, uint53).transform((ms) => Math.min(ms, longestMs))),
  muninn,
});

/** The values of all fields, as the schema gives them. */
export type Fields = z.output<typeof configSchema>;
