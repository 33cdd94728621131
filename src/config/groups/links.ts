import * as v from "valibot";
import { list, ruled } from "../../fields/compound-kinds.js";
import { optional, required } from "../../fields/field.js";
import { must } from "../../fields/found.js";
import { issuePath, type Kind, plain, type ValueOf } from "../../fields/kind.js";
import { type FieldIssue, mapping } from "../../fields/mapping.js";
import { fileName, text } from "../../fields/plain-kinds.js";
import {
  formatLinkAddress,
  formatNetwork,
  isSecure,
  isWebSocket,
  type LinkAddress,
  parseLinkAddress,
  parseNetwork,
} from "../../transport/address.js";

/** A text that `read` converts; if it cannot, it throws an error that says why. */
function readText<Value>(
  allowed: string,
  takes: string,
  read: (text: string) => Value,
  write: (value: Value) => string,
): Kind<Value, ""> {
  const schema = v.pipe(
    v.string(must(`be ${allowed}`)),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }): Value => {
      try {
        return read(value);
      } catch (cause) {
        addIssue({ message: must(`be ${allowed}: ${(cause as Error).message}`) });
        return NEVER;
      }
    }),
  );
  return plain(schema, { allowed: `be ${allowed}`, takes, write });
}

const address = readText(
  "an address such as unix:/run/a.sock, tcp://host:port, tls://host:port, ws://host:port/path or wss://host:port/path",
  "an address with its kind in front",
  parseLinkAddress,
  formatLinkAddress,
);

const network = readText(
  "an IP address or a network such as 10.0.0.0/8",
  "an IP address or a network",
  parseNetwork,
  formatNetwork,
);

const subject = readText(
  "parts of a certificate's subject such as CN=pool-a, O=Pool A",
  "`KEY=value, …`",
  (given) =>
    Object.fromEntries(
      given.split(/(?<!\\),/).map((part): [string, string] => {
        const [, key, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/s.exec(part) ?? [];
        if (key === undefined || !value) throw new Error(`"${part.trim()}" is no KEY=value`);
        return [key, value.replaceAll("\\,", ",")];
      }),
    ) as Readonly<Record<string, string>>,
  (parts) =>
    Object.entries(parts)
      .map(([key, value]) => `${key}=${value.replaceAll(",", "\\,")}`)
      .join(", "),
);

const rules = list(
  mapping({
    tokenFile: optional(
      fileName(),
      "peers that show the token in the first line of this file, at least 16 characters (`ws:` and `wss:`)",
    ),
    subject: optional(
      subject,
      "or peers whose certificate has all of these parts in its subject; needs `clientCaFile`",
    ),
    nodes: required(
      list(text(), "names of nodes", { leastOne: "name" }),
      "names that the nodes of these peers may have; `*` is any characters",
    ),
  }),
  "rules",
  { leastOne: "rule" },
);

const anyone = "anyone";

/** The rules, or the word that accepts everybody. */
const access: Kind<typeof anyone | ValueOf<typeof rules>, ""> = {
  ...rules,
  allowed: `be ${anyone} or ${rules.allowed.replace(/^be /, "")}`,
  takes: `\`${anyone}\`, or ${rules.takes}`,
  schema: v.lazy((input) =>
    typeof input === "string"
      ? v.literal(anyone, must(`be ${anyone} or a list of rules`))
      : (rules.schema as v.GenericSchema<unknown, typeof anyone | ValueOf<typeof rules>>),
  ),
  write: (value) => (value === anyone ? value : rules.write(value)),
  mask: (value) => (value === anyone ? value : rules.mask(value)),
};

const anyLink = mapping({
  listen: optional(address, "where nodes or relays connect to us"),
  connect: optional(address, "instead of `listen`: the address of a node that we connect to"),
  tls: optional(
    mapping({
      certificateFile: optional(fileName(), "PEM, our certificate with its chain; required for `listen`"),
      certificateKeyFile: optional(fileName(), "PEM, its key"),
      clientCaFile: optional(
        fileName(),
        "for `listen`: PEM, the authority that must have issued the peers' certificates",
      ),
      caFile: optional(
        fileName(),
        "for `connect`: PEM, the authority to trust instead of those that Node.js trusts",
      ),
      serverName: optional(
        text(),
        "for `connect`: the name in the other side's certificate, if not the host's",
      ),
    }),
    "",
  ),
  access: optional(access, "for `listen` over `tls:`, `ws:` or `wss:`, who may connect"),
  trustedProxies: optional(
    list(network, "IP addresses and networks"),
    "for `listen` over `ws:` or `wss:`: reverse proxies; the address of a peer behind one is the last in `X-Forwarded-For` that is not a proxy's",
  ),
  tokenFile: optional(fileName(), "for `connect` over `ws:` or `wss:`: the token we show"),
});

/** One more way for nodes to connect to us, or for us to connect to them. */
export type LinkConfig = ValueOf<typeof anyLink>;

const link: Kind<LinkConfig, ""> = {
  ...anyLink,
  schema: v.pipe(
    anyLink.schema,
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      for (const { path, message } of brokenIn(dataset.value)) addIssue({ message, path: issuePath(path) });
    }),
  ),
};

export const links = ruled(list(link, "links"), twiceTheSame);

function* brokenIn(given: LinkConfig): Generator<FieldIssue> {
  const { listen, connect, tls } = given;
  if ((listen === undefined) === (connect === undefined)) {
    yield { path: [], message: "must have either listen or connect" };
    return;
  }
  if (tls !== undefined && !isSecure((listen ?? connect)!))
    yield { path: ["tls"], message: "is for tls: and wss: only" };
  if ((tls?.certificateFile === undefined) !== (tls?.certificateKeyFile === undefined))
    yield { path: ["tls"], message: "must have certificateFile and certificateKeyFile, or neither" };
  if (listen === undefined) yield* brokenInConnecting(given, connect!);
  else yield* brokenInListening(given, listen);
}

function* brokenInConnecting(given: LinkConfig, to: LinkAddress): Generator<FieldIssue> {
  const { tls, access, tokenFile, trustedProxies } = given;
  if (trustedProxies !== undefined) yield { path: ["trustedProxies"], message: "is for links that listen" };
  if (tls?.clientCaFile !== undefined)
    yield {
      path: ["tls", "clientCaFile"],
      message: "is for links that listen; where we connect it is caFile",
    };
  if (access !== undefined) yield { path: ["access"], message: "is for links that listen" };
  if (tokenFile !== undefined && !isWebSocket(to))
    yield { path: ["tokenFile"], message: "is for ws: and wss: only" };
}

function* brokenInListening(given: LinkConfig, at: LinkAddress): Generator<FieldIssue> {
  const { tls, access, tokenFile, trustedProxies } = given;
  if (trustedProxies !== undefined && !isWebSocket(at))
    yield { path: ["trustedProxies"], message: "is for ws: and wss: only" };
  for (const field of ["caFile", "serverName"] as const) {
    if (tls?.[field] !== undefined)
      yield {
        path: ["tls", field],
        message: "is for links that connect; where we listen it is clientCaFile",
      };
  }
  if (isSecure(at) && tls?.certificateFile === undefined)
    yield {
      path: ["tls"],
      message: "must have certificateFile and certificateKeyFile: TLS needs them to listen",
    };
  if (tokenFile !== undefined)
    yield { path: ["tokenFile"], message: "is for links that connect; where we listen it belongs in access" };
  const asks = isSecure(at) || isWebSocket(at);
  if (asks && access === undefined && tls?.clientCaFile === undefined) {
    yield {
      path: [],
      message: `accepts everybody who reaches it; must have access with rules, or say so: access: ${anyone}`,
    };
  }
  if (access === undefined || access === anyone) return;
  for (const [index, rule] of access.entries()) {
    const path = ["access", index];
    if ((rule.tokenFile === undefined) === (rule.subject === undefined))
      yield { path, message: "must have either tokenFile or subject" };
    if (rule.tokenFile !== undefined && !isWebSocket(at))
      yield { path: [...path, "tokenFile"], message: "is for ws: and wss: only; tls: uses certificates" };
    if (rule.subject !== undefined && tls?.clientCaFile === undefined)
      yield { path: [...path, "subject"], message: "needs tls.clientCaFile" };
  }
}

function twiceTheSame(links: readonly LinkConfig[]): FieldIssue | undefined {
  const names = links.map(({ listen, connect }) => formatLinkAddress((listen ?? connect)!));
  const index = names.findIndex((name, index) => names.indexOf(name) !== index && !/:0(\/|$)/.test(name));
  return index === -1
    ? undefined
    : { path: [index], message: `is the same as links[${names.indexOf(names[index]!)}]; once is enough` };
}
