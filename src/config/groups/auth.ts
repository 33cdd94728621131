import { converted, ruled } from "../../fields/compound-kinds.js";
import { optional, required } from "../../fields/field.js";
import { mapping } from "../../fields/mapping.js";
import { guarded, secret } from "../../fields/plain-kinds.js";

/** What a client of an endpoint must show: a bearer token, or user and password of HTTP's basic scheme. */
export type EndpointAuth =
  | { readonly bearerToken: string }
  | { readonly user: string; readonly password: string };

const bearerToken = optional(
  secret("a token of letters, digits and -._~+/, perhaps with = at its end", /^[\w.~+/-]+=*$/),
  "what clients must show",
);

const userAndPassword = mapping({
  user: required(guarded("a user name without a colon", /^[^:\p{Cc}]+$/u), "user"),
  password: required(secret("a password", /^\P{Cc}+$/u), "password"),
});

const tokenOrPassword = ruled(
  mapping({ bearerToken, basic: optional(userAndPassword, "instead of a token") }),
  ({ bearerToken, basic }) =>
    (bearerToken === undefined) === (basic === undefined)
      ? { path: [], message: "must have either bearerToken or basic" }
      : undefined,
);

const endpointAuth = converted(
  tokenOrPassword,
  ({ bearerToken, basic }): EndpointAuth => basic ?? { bearerToken: bearerToken! },
  (auth) => ("user" in auth ? { basic: auth } : auth),
);

const eitherOrBoth = ruled(
  mapping({
    bearerToken,
    basic: optional(userAndPassword, "instead of a token, or in addition: what browsers ask for"),
  }),
  ({ bearerToken, basic }) =>
    bearerToken === undefined && basic === undefined
      ? { path: [], message: "must have bearerToken, basic or both" }
      : undefined,
);

/** The page is for browsers, which ask for a password, and for programs, which have a token. */
const pageAuth = converted(
  eitherOrBoth,
  ({ bearerToken, basic }): readonly EndpointAuth[] => [
    ...(basic === undefined ? [] : [basic]),
    ...(bearerToken === undefined ? [] : [{ bearerToken }]),
  ],
  (auths) => Object.assign({}, ...auths.map((auth) => ("user" in auth ? { basic: auth } : auth))),
);

/** One for each endpoint that asks clients for credentials. */
export const auth = {
  prometheus: optional(endpointAuth, "for `hasPrometheus`"),
  ekg: optional(endpointAuth, "for `hasEKG`"),
  timeseries: optional(endpointAuth, "for `hasTimeseries`"),
  health: optional(endpointAuth, "for `muninn.health`"),
  ui: optional(pageAuth, "for `muninn.ui`"),
  otlp: optional(endpointAuth, "for `muninn.otlp`"),
};
