import type { Answer } from "../../http/answer.js";

/** Where nothing is served; without a text, as cardano-tracer. */
export const nothing: Answer = { status: 404, contentType: "text/plain;charset=utf-8", body: "" };

/** Done, and nothing to say. */
export const done: Answer = { status: 200, contentType: "text/plain;charset=utf-8", body: "" };

export const malformed: Answer = {
  status: 400,
  contentType: "text/plain;charset=utf-8",
  body: "Malformed input",
};
