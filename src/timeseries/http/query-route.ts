import { type Answer, busyAnswer, jsonAnswer } from "../../http/answer.js";
import type { EndpointRequest } from "../../http/endpoint-options.js";
import { QueryError } from "../language/query-fault.js";
import type { Timeseries } from "../timeseries.js";
import { malformed } from "./answers.js";
import { parameterOf, parametersOf, timeOf } from "./form.js";

/** `query=…[&time=…]`, in the body of a POST whatever its type, or in the URL of a GET. */
export async function answerQuery(timeseries: Timeseries, request: EndpointRequest): Promise<Answer> {
  const parameters = parametersOf(request.method === "POST" ? request.body : request.query);
  const query = parameterOf(parameters, "query");
  if (query === undefined) return malformed;
  if (timeseries.loadedShare < 1) return notLoaded(timeseries.loadedShare);
  const time = timeOf(parameterOf(parameters, "time")) ?? Date.now();
  try {
    const body = await timeseries.query(query, time, { gzip: request.gzip, gone: request.gone });
    return body === undefined ? busyAnswer() : { status: 200, contentType: "application/json", body };
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return jsonAnswer(400, { status: "error", errorType: error.errorType, error: error.message });
  }
}

function notLoaded(share: number): Answer {
  const error = `Older points are still being loaded: ${Math.floor(share * 100)} % are there. Ask again in a moment.`;
  const answer = jsonAnswer(503, { status: "error", errorType: "unavailable", error });
  return { ...answer, headers: { "Retry-After": share > 0.5 ? "2" : "5" } };
}
