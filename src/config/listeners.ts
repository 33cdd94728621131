import type { Values } from "./config.js";

/** A host and port at which HTTP is served. */
export interface HttpListener {
  /** `hasPrometheus`, `muninn.health` */
  readonly field: string;
  /** Its part of `muninn.auth`. */
  readonly auth: string;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly forceSsl: boolean;
}

/**
 * Every host and port of a configuration at which HTTP is served. What clashes, who may read, and what
 * `muninn check --here` tries comes from this one list, so a group with a port of its own has a row here.
 */
const served: Readonly<
  Record<
    string,
    {
      readonly auth: string;
      readonly in: (
        values: Partial<Values>,
      ) => (Pick<HttpListener, "host" | "port"> & Partial<HttpListener>) | undefined;
    }
  >
> = {
  hasPrometheus: { auth: "prometheus", in: ({ hasPrometheus }) => hasPrometheus },
  hasEKG: { auth: "ekg", in: ({ hasEKG }) => hasEKG },
  hasTimeseries: { auth: "timeseries", in: ({ hasTimeseries }) => hasTimeseries },
  "muninn.health": { auth: "health", in: ({ muninn }) => muninn?.health },
  "muninn.ui": { auth: "ui", in: ({ muninn }) => muninn?.ui },
};

/** The listeners that are asked for; those whose fields are wrong are absent. */
export function httpListeners(values: Partial<Values>): HttpListener[] {
  return Object.entries(served).flatMap(([field, { auth, in: find }]) => {
    const listener = find(values);
    return listener === undefined ? [] : [{ forceSsl: false, ...listener, field, auth }];
  });
}

/** What a part of `muninn.auth` protects: `hasPrometheus`. */
export function protectedBy(auth: string): string | undefined {
  return Object.keys(served).find((field) => served[field]!.auth === auth);
}

/** `["hasPrometheus", "epPort"]`, `["muninn", "health", "port"]` */
export function pathWithin(field: string, name: "host" | "port"): string[] {
  const inField = { host: "epHost", port: "epPort" };
  return field.startsWith("muninn.") ? [...field.split("."), name] : [field, inField[name]];
}
