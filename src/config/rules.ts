import { resolve } from "node:path";
import type { FieldIssue } from "../fields/mapping.js";
import { sinkName } from "../sinks/sink-options.js";
import { formatAddress, type LinkAddress } from "../transport/address.js";
import type { Values } from "./config.js";
import { sameSection } from "./groups/logging.js";
import { httpListeners, portPath, protectedBy } from "./listeners.js";
import { isLoopback } from "./loopback.js";

/** Broken rules between fields; fields that are wrong by themselves are absent here. */
export function brokenRules(fields: Partial<Values>, isWrong: (name: keyof Values) => boolean): FieldIssue[] {
  return [
    ...sharedPorts(fields),
    ...sharedAddresses(fields),
    ...sharedSinkNames(fields),
    ...openToAnyone(fields),
    ...(isWrong("tlsCertificate") ? [] : missingCertificate(fields)),
    ...openPage(fields),
  ];
}

/** Values that are allowed but surely a mistake. */
export function doubtfulFields(fields: Partial<Values>): FieldIssue[] {
  return [...repeatedSections(fields), ...unusedAuth(fields)];
}

function* sharedPorts(fields: Partial<Values>): Generator<FieldIssue> {
  const listeners = httpListeners(fields);
  for (const [index, listener] of listeners.entries()) {
    const { port } = listener;
    // As in cardano-tracer, on whichever host. 0 is any free port.
    const first = listeners.slice(0, index).find((other) => other.port === port && port !== 0);
    if (first !== undefined) {
      const path = portPath(listener);
      yield { path, message: `is ${port}, which ${first.field} uses already; must be a port of its own` };
    }
  }
}

/** Addresses where nodes and downstream tracers connect, with their fields. */
function doors({ network, hasForwarding, muninn }: Partial<Values>) {
  const found: {
    readonly path: FieldIssue["path"];
    readonly field: string;
    readonly address: LinkAddress;
  }[] = [];
  if (network?.mode === "AcceptAt")
    found.push({ path: ["network", "contents"], field: "network", address: network.address });
  for (const [index, { listen: address }] of (muninn?.links ?? []).entries()) {
    const field = `muninn.links[${index}]`;
    if (address !== undefined) found.push({ path: ["muninn", "links", index, "listen"], field, address });
  }
  if (hasForwarding?.network.mode === "AcceptAt") {
    const { address } = hasForwarding.network;
    found.push({ path: ["hasForwarding", 0, "contents"], field: "hasForwarding", address });
  }
  return found;
}

function* sharedAddresses(fields: Partial<Values>): Generator<FieldIssue> {
  const listeners = httpListeners(fields);
  const all = doors(fields);
  for (const [index, { path, address }] of all.entries()) {
    const door = all.slice(0, index).find((other) => meet(other.address, address));
    if (door !== undefined)
      yield {
        path,
        message: `is ${formatAddress(address)}, where ${door.field} listens already; must be a different address`,
      };
    const listener = listeners.find((other) => meet({ kind: "tcp", ...other }, address));
    if (listener !== undefined && address.kind !== "unix")
      yield {
        path,
        message: `is at port ${address.port}, which ${listener.field} uses already; must be a port of its own`,
      };
  }
}

/** Whether the two addresses cannot be used at the same time. */
function meet(a: LinkAddress, b: LinkAddress): boolean {
  if (a.kind === "unix") return b.kind === "unix" && resolve(a.path) === resolve(b.path);
  if (b.kind === "unix") return false;
  return a.port === b.port && a.port !== 0 && overlap(a.host, b.host);
}

/** Sinks are told apart by their names, in metrics and health. */
function* sharedSinkNames({ muninn }: Partial<Values>): Generator<FieldIssue> {
  const names = (muninn?.sinks ?? []).map(sinkName);
  for (const [index, name] of names.entries()) {
    const first = names.indexOf(name);
    const message = `is called ${name}, as muninn.sinks[${first}] is; must have a name of its own`;
    if (first !== index) yield { path: ["muninn", "sinks", index], message };
  }
}

/** Whether two listeners on these hosts cannot have the same port. */
function overlap(a: string, b: string): boolean {
  const everywhere = ["0.0.0.0", "::"];
  return a === b || everywhere.includes(a) || everywhere.includes(b);
}

/** A sender of logs can fill the disk, so beyond this machine it needs a secret. */
function* openToAnyone({ muninn }: Partial<Values>): Generator<FieldIssue> {
  if (muninn?.otlp === undefined || muninn.auth.otlp !== undefined || isLoopback(muninn.otlp.host)) return;
  const { host } = muninn.otlp;
  const message = `is ${host}, which other machines reach; that needs muninn.auth.otlp, or 127.0.0.1`;
  yield { path: ["muninn", "otlp", "host"], message };
}

function* missingCertificate(fields: Partial<Values>): Generator<FieldIssue> {
  if (fields.tlsCertificate !== undefined) return;
  for (const { field } of httpListeners(fields).filter(({ forceSsl }) => forceSsl))
    yield { path: [field, "epForceSSL"], message: "is true; that needs tlsCertificate" };
}

/** The page shows everything that nodes trace, and where files are. */
function* openPage({ muninn }: Partial<Values>): Generator<FieldIssue> {
  if (muninn?.ui === undefined || muninn.auth?.ui !== undefined || isLoopback(muninn.ui.host)) return;
  yield {
    path: ["muninn", "ui", "host"],
    message: `is ${muninn.ui.host}, which other machines reach; that needs muninn.auth.ui, or 127.0.0.1`,
  };
}

function* repeatedSections({ logging = [] }: Partial<Values>): Generator<FieldIssue> {
  for (const [index, section] of logging.entries()) {
    const first = sameSection(logging, section);
    if (first !== index)
      yield { path: ["logging", index], message: `is the same as logging[${first}]; once is enough` };
  }
}

function* unusedAuth(fields: Partial<Values>): Generator<FieldIssue> {
  const there = httpListeners(fields).map(({ auth }) => auth);
  for (const name of Object.keys(fields.muninn?.auth ?? {})) {
    if (!there.includes(name))
      yield { path: ["muninn", "auth", name], message: `protects nothing: there is no ${protectedBy(name)}` };
  }
}
