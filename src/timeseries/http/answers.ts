import type { Answer } from "../../http/answer.js";

/** Where nothing is served; as cardano-tracer without a word. */
export const nothing: Answer = { status: 404, contentType: "text/plain;charset=utf-8", body: "" };

/** Done, and nothing to say. */
export const done: Answer = { status: 200, contentType: "text/plain;charset=utf-8", body: "" };

export const malformed: Answer = {
  status: 400,
  contentType: "text/plain;charset=utf-8",
  body: "Malformed input",
};
