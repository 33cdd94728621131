import type { FieldPath } from "../fields/kind.js";
import type { FieldIssue } from "../fields/mapping.js";
import type { Values } from "./config.js";
import { sameSection } from "./groups/logging.js";

/** Rules between fields that do not hold; fields that are wrong by themselves are absent here. */
export function brokenRules(fields: Partial<Values>, isWrong: (name: keyof Values) => boolean): FieldIssue[] {
  return [...sharedPorts(fields), ...(isWrong("tlsCertificate") ? [] : missingCertificate(fields))];
}

/** What is legal and surely not meant. */
export function doubtfulFields(fields: Partial<Values>): FieldIssue[] {
  return [...repeatedSections(fields), ...authOfNothing(fields)];
}

const endpointFields = ["hasPrometheus", "hasEKG", "hasTimeseries"] as const;

interface Listener {
  readonly field: string;
  readonly path: FieldPath;
  readonly host: string;
  readonly port: number;
}

function* sharedPorts(fields: Partial<Values>): Generator<FieldIssue> {
  const endpoints: Listener[] = endpointFields.flatMap((field) => {
    const endpoint = fields[field];
    return endpoint === undefined ? [] : [{ field, path: [field, "epPort"], ...endpoint }];
  });
  const health = fields.muninn?.health;
  if (health !== undefined)
    endpoints.push({ field: "muninn.health", path: ["muninn", "health", "port"], ...health });

  for (const [index, { path, port }] of endpoints.entries()) {
    // As in cardano-tracer, on whichever host. 0 is any free port.
    const first = endpoints.slice(0, index).find((other) => other.port === port && port !== 0);
    if (first !== undefined) {
      yield { path, message: `is ${port}, which ${first.field} has already; must be a port of its own` };
    }
  }
  if (fields.network?.mode !== "AcceptAt" || fields.network.address.kind !== "tcp") return;
  const { host, port } = fields.network.address;
  const other = endpoints.find(
    (endpoint) => endpoint.port === port && port !== 0 && overlap(endpoint.host, host),
  );
  if (other !== undefined) {
    yield {
      path: ["network", "contents"],
      message: `is at port ${port}, which ${other.field} has already; must be a port of its own`,
    };
  }
}

/** Whether two listeners with one port on these hosts are in each other's way. */
function overlap(a: string, b: string): boolean {
  const everywhere = ["0.0.0.0", "::"];
  return a === b || everywhere.includes(a) || everywhere.includes(b);
}

function* missingCertificate(fields: Partial<Values>): Generator<FieldIssue> {
  if (fields.tlsCertificate !== undefined) return;
  for (const field of endpointFields) {
    if (fields[field]?.forceSsl)
      yield { path: [field, "epForceSSL"], message: "is true; that needs tlsCertificate" };
  }
}

function* repeatedSections({ logging = [] }: Partial<Values>): Generator<FieldIssue> {
  for (const [index, section] of logging.entries()) {
    const first = sameSection(logging, section);
    if (first !== index)
      yield { path: ["logging", index], message: `is the same as logging[${first}]; once is enough` };
  }
}

function* authOfNothing(fields: Partial<Values>): Generator<FieldIssue> {
  const auth = fields.muninn?.auth;
  const protects = [
    ["prometheus", "hasPrometheus", fields.hasPrometheus],
    ["ekg", "hasEKG", fields.hasEKG],
    ["health", "muninn.health", fields.muninn?.health],
  ] as const;
  for (const [name, field, endpoint] of protects) {
    if (auth?.[name] !== undefined && endpoint === undefined) {
      yield { path: ["muninn", "auth", name], message: `protects nothing: there is no ${field}` };
    }
  }
}
