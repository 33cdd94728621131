import type { Values } from "./config.js";

/** A host and port at which HTTP is served. */
export interface HttpListener {
  /** `hasPrometheus`, `muninn.health` */
  readonly field: string;
  /** Its part of `muninn.auth`. */
  readonly auth: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly forceSsl: boolean;
  /** The name of its port below `field`. */
  readonly portName: string;
  /** Whether clients send us data, rather than read it. */
  readonly takes?: boolean;
}

type Found = Pick<HttpListener, "host" | "port"> & Partial<HttpListener>;

/**
 * Every host and port of a configuration at which HTTP is served. Checks of clashes, of who may read, and of
 * `muninn check --here` use this one list, so a group with its own port has a row here.
 */
const served: Readonly<
  Record<
    string,
    {
      readonly auth: string;
      readonly in: (values: Partial<Values>) => Found | readonly Found[] | undefined;
    }
  >
> = {
  hasPrometheus: { auth: "prometheus", in: ({ hasPrometheus }) => hasPrometheus },
  hasEKG: { auth: "ekg", in: ({ hasEKG }) => hasEKG },
  hasTimeseries: { auth: "timeseries", in: ({ hasTimeseries }) => hasTimeseries },
  "muninn.health": { auth: "health", in: ({ muninn }) => muninn?.health },
  "muninn.ui": { auth: "ui", in: ({ muninn }) => muninn?.ui },
  "muninn.otlp": {
    auth: "otlp",
    in: ({ muninn }) => {
      if (muninn?.otlp === undefined) return undefined;
      const { host, port, grpcPort } = muninn.otlp;
      const http = { host, port, takes: true };
      return grpcPort === undefined ? http : [http, { ...http, port: grpcPort, portName: "grpcPort" }];
    },
  },
};

/** The configured listeners, without those whose fields are wrong. */
export function httpListeners(values: Partial<Values>): HttpListener[] {
  return Object.entries(served).flatMap(([field, { auth, in: find }]) => {
    const portName = field.startsWith("muninn.") ? "port" : "epPort";
    return [find(values) ?? []].flat().map((found) => ({ forceSsl: false, portName, ...found, field, auth }));
  });
}

/** What a part of `muninn.auth` protects: `hasPrometheus`. */
export function protectedBy(auth: string): string | undefined {
  return Object.keys(served).find((field) => served[field]!.auth === auth);
}

/** Where its port is: `["hasPrometheus", "epPort"]`, `["muninn", "health", "port"]` */
export function portPath({ field, portName }: HttpListener): string[] {
  return [...field.split("."), portName];
}
