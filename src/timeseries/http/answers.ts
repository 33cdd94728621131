import type { Answer } from "../../http/answer.js";

/** Nothing is served at this path; the body is empty, like cardano-tracer's. */
export const nothing: Answer = { status: 404, contentType: "text/plain;charset=utf-8", body: "" };

/** Success, without content. */
export const done: Answer = { status: 200, contentType: "text/plain;charset=utf-8", body: "" };

export const malformed: Answer = {
  status: 400,
  contentType: "text/plain;charset=utf-8",
  body: "Malformed input",
};
