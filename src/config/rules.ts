import type { FieldIssue } from "../fields/mapping.js";
import type { Values } from "./config.js";
import { sameSection } from "./groups/logging.js";
import { httpListeners, portPath, protectedBy } from "./listeners.js";
import { isLoopback } from "./loopback.js";

/** Rules between fields that do not hold; fields that are wrong by themselves are absent here. */
export function brokenRules(fields: Partial<Values>, isWrong: (name: keyof Values) => boolean): FieldIssue[] {
  return [
    ...sharedPorts(fields),
    ...openToAnyone(fields),
    ...(isWrong("tlsCertificate") ? [] : missingCertificate(fields)),
    ...openPage(fields),
  ];
}

/** What is legal and surely not meant. */
export function doubtfulFields(fields: Partial<Values>): FieldIssue[] {
  return [...repeatedSections(fields), ...authOfNothing(fields)];
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
  if (fields.network?.mode !== "AcceptAt" || fields.network.address.kind !== "tcp") return;
  const { host, port } = fields.network.address;
  const other = listeners.find((one) => one.port === port && port !== 0 && overlap(one.host, host));
  if (other !== undefined) {
    yield {
      path: ["network", "contents"],
      message: `is at port ${port}, which ${other.field} uses already; must be a port of its own`,
    };
  }
}

/** Whether two listeners with one port on these hosts are in each other's way. */
function overlap(a: string, b: string): boolean {
  const everywhere = ["0.0.0.0", "::"];
  return a === b || everywhere.includes(a) || everywhere.includes(b);
}

/** Whoever may send logs may fill the disk, so beyond this machine it takes a secret. */
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

/** The page shows all that nodes trace, and says where files lie. */
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

function* authOfNothing(fields: Partial<Values>): Generator<FieldIssue> {
  const there = httpListeners(fields).map(({ auth }) => auth);
  for (const name of Object.keys(fields.muninn?.auth ?? {})) {
    if (!there.includes(name))
      yield { path: ["muninn", "auth", name], message: `protects nothing: there is no ${protectedBy(name)}` };
  }
}
