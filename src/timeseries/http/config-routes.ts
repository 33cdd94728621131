import { type Answer, jsonAnswer } from "../../http/answer.js";
import type { EndpointRequest } from "../../http/endpoint-options.js";
import type { Pruning } from "../pruning.js";
import { done, malformed, nothing } from "./answers.js";
import { durationOf, parametersOf } from "./form.js";

/** GET, or POST with `?hours=2`; `leastMs`: the pause between two answers of a node. */
export function answerRetention(pruning: Pruning, request: EndpointRequest, leastMs: number): Answer {
  if (request.method !== "POST") return jsonAnswer(200, { retentionMillis: pruning.retentionMs });
  const duration = durationOf(parametersOf(request.query));
  if (duration === undefined) return nothing;
  if (duration < leastMs) return malformed;
  pruning.setRetention(duration);
  return done;
}

/** GET, or POST with `?minutes=5`; without a duration automatic pruning ends. */
export function answerPruning(pruning: Pruning, request: EndpointRequest): Answer {
  if (request.method !== "POST") return jsonAnswer(200, { pruningPeriodMillis: pruning.periodMs ?? null });
  const duration = durationOf(parametersOf(request.query));
  if (duration === 0) return malformed;
  pruning.setPeriod(duration);
  return done;
}
