import { alternatives, list } from "../../fields/compound-kinds.js";
import { required } from "../../fields/field.js";
import { mapping } from "../../fields/mapping.js";
import { address } from "../../fields/plain-kinds.js";

/** Who connects to whom. */
export const network = alternatives(
  "tag",
  {
    AcceptAt: mapping({
      contents: required(address(), "`host:port`, `[::1]:3001`, or the name of a socket file", {
        as: "address",
      }),
    }),
    ConnectTo: mapping({
      contents: required(list(address(), "addresses", { leastOne: "address" }), "each as above", {
        as: "addresses",
      }),
    }),
  },
  {
    as: "mode",
    otherwise: "{tag: AcceptAt, contents: ADDRESS} or {tag: ConnectTo, contents: [ADDRESS, …]}",
    doc: "`AcceptAt`: they connect to us; `ConnectTo`: we connect to them",
  },
);
