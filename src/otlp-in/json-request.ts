import { type Signal, TooManyParts } from "./schema.js";

/** Values of a request: it is parsed as a whole, which nobody may wait for. */
const maxValues = 500_000;
/** Memory of one that is parsed. */
const valueBytes = 64;

/** A request that is parsed; what is in it is looked at when it is asked for. Each throws TypeError for another shape. */
export interface JsonRequest {
  resources(): Generator<{ readonly resource: unknown; scopes(): Generator<JsonScope> }>;
}

interface JsonScope {
  /** Its name. */
  readonly scope: string;
  /** Records or metrics. */
  readonly pieces: readonly unknown[];
}

const names = {
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
  metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
} as const;

/** Undefined where there is no room for its values. @throws TooManyParts, SyntaxError, TypeError for another shape */
export function requestOfJson(
  signal: Signal,
  body: Uint8Array,
  hold: (bytes: number) => boolean,
): JsonRequest | undefined {
  const values = valuesIn(body);
  if (values > maxValues) throw new TooManyParts(`more than ${maxValues} values in JSON`);
  if (!hold(values * valueBytes)) return undefined;
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8");
  const request = fieldsOf(JSON.parse(text));
  const [ofRequest, ofResource, ofScope] = names[signal];
  return {
    *resources() {
      for (const json of listOf(request, ofRequest)) {
        const resource = fieldsOf(json);
        yield {
          resource: resource.resource,
          *scopes() {
            for (const inside of listOf(resource, ofResource)) {
              const { scope, ...pieces } = fieldsOf(inside);
              const name = scope == null ? undefined : fieldsOf(scope).name;
              yield { scope: name == null ? "" : String(name), pieces: listOf(pieces, ofScope) };
            }
          },
        };
      }
    },
  };
}

/** How many there are at most: whatever begins a value is counted, also within texts. */
function valuesIn(json: Uint8Array): number {
  let values = 1;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === comma || byte === list || byte === object) values += 1;
  }
  return values;
}

const [comma, list, object] = Buffer.from(",[{") as unknown as [number, number, number];

function fieldsOf(json: unknown): Record<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new TypeError("object expected");
  return json as Record<string, unknown>;
}

function listOf(fields: Record<string, unknown>, name: string): readonly unknown[] {
  const list = fields[name] ?? [];
  if (!Array.isArray(list)) throw new TypeError(`${name}: array expected`);
  return list;
}
