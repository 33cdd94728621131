import * as v from "valibot";
import { list, ruled } from "../../fields/compound-kinds.js";
import { optional, required, withDefault } from "../../fields/field.js";
import { must } from "../../fields/found.js";
import { type Kind, plain, type ValuesOf } from "../../fields/kind.js";
import { mapping } from "../../fields/mapping.js";
import { duration, fileName, flag, secret, size, text, wholeNumber } from "../../fields/plain-kinds.js";

const kibibyte = 2 ** 10;
const mebibyte = 2 ** 20;
const tebibyte = 2 ** 40;

/** Credentials for a NATS server, and how its certificate is checked; the same for the sink and for `muninn collect`. */
const natsCredentialFields = {
  user: optional(text(), "user name for the servers"),
  password: optional(secret("a password", /^\P{Cc}+$/u), "its password"),
  token: optional(secret("a token", /^\P{Cc}+$/u), "a token, instead of user and password"),
  credentialsFile: optional(
    fileName(),
    "a `.creds` file with a user's JWT and its key, instead of a password or token; read again on SIGHUP, like all files here",
  ),
  nkeyFile: optional(fileName(), "a file with the seed of an nkey, instead of all of these"),
  caFile: optional(fileName(), "certificate authority of the servers; absent: the system's"),
  certificateFile: optional(fileName(), "our certificate, for servers that ask for one"),
  certificateKeyFile: optional(fileName(), "the key of that certificate"),
};

export type NatsCredentialOptions = ValuesOf<typeof natsCredentialFields>;

const ways = ["user", "token", "credentialsFile", "nkeyFile"] as const;

/** Rules between the fields of credentials: only one kind, and complete pairs. */
function brokenCredentials(given: NatsCredentialOptions) {
  const [first, second] = ways.filter((way) => given[way] !== undefined);
  if (second !== undefined)
    return { path: [second], message: `is given together with ${first}; must be one of them` };
  if ((given.user === undefined) !== (given.password === undefined))
    return { path: [], message: "must have both user and password, or neither" };
  if ((given.certificateFile === undefined) !== (given.certificateKeyFile === undefined))
    return { path: [], message: "must have both certificateFile and certificateKeyFile, or neither" };
  return undefined;
}

/** `muninn.collect`: credentials and certificates of `muninn collect`. */
export const natsCredentials = ruled(mapping(natsCredentialFields), brokenCredentials);

/** `nats://host:port`; `tls://host:port` requires TLS. */
function natsUrl(): Kind<string, ""> {
  const allowed = "be the URL of a NATS server: nats://host:port or tls://host:port";
  const isOne = (value: string) =>
    URL.canParse(value) && /^(nats|tls):$/.test(new URL(value).protocol) && isBare(new URL(value));
  return plain(v.pipe(v.string(must(allowed)), v.check(isOne, must(allowed))), {
    allowed,
    takes: "a NATS URL",
  });
}

/** Credentials have their own fields, which are masked. */
function isBare({ hostname, username, password, pathname, search }: URL): boolean {
  return hostname !== "" && username + password + search === "" && ["", "/"].includes(pathname);
}

/** Names that NATS accepts for a stream: they are one token of a subject. */
function streamName(): Kind<string, ""> {
  const allowed = "be the name of a stream, without spaces, dots, wildcards and slashes";
  return plain(v.pipe(v.string(must(allowed)), v.regex(/^[^\s.*>/\\\p{Cc}]{1,255}$/u, must(allowed))), {
    allowed,
    takes: "a name",
  });
}

function subjectPattern(): Kind<string, ""> {
  const allowed = "be a subject with {slug} as one of its parts: muninn.trace.{slug}";
  const isOne = (value: string) => {
    const tokens = value.split(".");
    const others = tokens.filter((token) => token !== "{slug}");
    return others.length === tokens.length - 1 && others.every((token) => /^[\w-]+$/.test(token));
  };
  return plain(v.pipe(v.string(must(allowed)), v.check(isOne, must(allowed))), {
    allowed,
    takes: "a subject",
  });
}

/** `muninn.sinks: [{kind: nats, …}]`: batches as messages of a NATS JetStream stream. */
export const natsOptions = ruled(
  mapping({
    servers: required(
      list(natsUrl(), "servers", { leastOne: "server" }),
      "servers of the cluster, tried in any order: `nats://127.0.0.1:4222`",
    ),
    stream: required(streamName(), "the stream that keeps the messages; an existing one is never changed"),
    subject: withDefault(
      subjectPattern(),
      "muninn.trace.{slug}",
      "subject for a node's messages; `{slug}` is the node's short name",
    ),
    name: optional(
      text(),
      "name of this sink in metrics and health, to tell several apart; absent: the stream",
    ),
    required: withDefault(
      flag(),
      true,
      "wait until the stream has acknowledged each batch; otherwise what does not fit in the queue is dropped and counted",
    ),
    create: optional(
      mapping({
        replicas: withDefault(wholeNumber(1, 5), 1, "how many servers keep each message"),
        maxAge: optional(duration(), "messages older than this are removed; absent: never"),
        maxBytes: optional(size(mebibyte, tebibyte), "size of the stream; a full one accepts nothing more"),
        duplicateWindow: withDefault(
          duration(),
          "2m",
          "how long the stream remembers which messages it has; after a longer outage messages may be stored twice",
        ),
      }),
      "for creating the stream if it does not exist",
    ),
    batchBytes: withDefault(
      size(kibibyte, 64 * mebibyte),
      "512KiB",
      "size of a message; less if the servers accept less (`max_payload`); a single object may be larger",
    ),
    queueBytes: withDefault(
      size(mebibyte, tebibyte),
      "64MiB",
      "size of what waits for the stream if the sink is not required; the oldest is dropped first",
    ),
    timeout: withDefault(
      duration(),
      "5s",
      "time to wait for an acknowledgement before the message is sent again",
    ),
    ...natsCredentialFields,
  }),
  brokenCredentials,
);

/** The name of a sink in metrics and health. */
export function natsSinkName({
  name,
  stream,
}: {
  readonly name?: string | undefined;
  readonly stream: string;
}): string {
  return `nats:${name ?? stream}`;
}
