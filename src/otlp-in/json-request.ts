import { JsonScanner, type Range } from "./json-scanner.js";
import type { Signal } from "./schema.js";

/** The positions of a request's parts in its text; undefined for absent ones. */
interface ResourceRanges {
  resource: Range | undefined;
  scopes: ScopeRanges[];
}

interface ScopeRanges {
  scope: Range | undefined;
  /** The start and end of each record or metric, one after the other. */
  pieces: number[];
}

/** A request whose parts are parsed on demand. */
export interface JsonRequest {
  readonly resources: readonly ResourceRanges[];
  readonly parsed: (range: Range) => unknown;
}

const names = {
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
  metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
} as const;

/**
 * Finds the parts of a request and calls `count` for each; if a field is repeated, the last one counts. Each step is a point to
 * pause. @throws TooManyParts, SyntaxError, TypeError for another shape, and what `count` throws
 */
export function* requestOfJson(
  signal: Signal,
  body: Uint8Array,
  count: () => void,
): Generator<undefined, JsonRequest> {
  const text = new JsonScanner(body);
  const [ofRequest, ofResource, ofScope] = names[signal];
  let resources: ResourceRanges[] = [];

  function* other(): Generator<undefined, void> {
    text.parsed(yield* text.value());
  }

  function* scopeIn(resource: ResourceRanges): Generator<undefined, void> {
    count();
    const scope: ScopeRanges = { scope: undefined, pieces: [] };
    resource.scopes.push(scope);
    yield* text.object(function* (name) {
      if (name === "scope") scope.scope = yield* text.value();
      else if (name !== ofScope) yield* other();
      else {
        scope.pieces = [];
        yield* text.list(function* () {
          count();
          const { start, end } = yield* text.value();
          scope.pieces.push(start, end);
        });
      }
    });
  }

  function* resourceIn(): Generator<undefined, void> {
    count();
    const resource: ResourceRanges = { resource: undefined, scopes: [] };
    resources.push(resource);
    yield* text.object(function* (name) {
      if (name === "resource") resource.resource = yield* text.value();
      else if (name !== ofResource) yield* other();
      else {
        resource.scopes = [];
        yield* text.list(() => scopeIn(resource));
      }
    });
  }

  yield* text.object(function* (name) {
    if (name !== ofRequest) return yield* other();
    resources = [];
    yield* text.list(resourceIn);
  });
  text.end();
  return { resources, parsed: (range) => text.parsed(range) };
}
