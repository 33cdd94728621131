import type { Address } from "../transport/address.js";

/** The effective configuration: every default filled in, every time in milliseconds, every size in bytes. */
export interface Config {
  /** Network magic, uint32; must equal the nodes'. */
  readonly networkMagic: number;
  readonly network: Network;
  /** Trace objects per request, 1–65,535. */
  readonly loRequestNum: number;
  /** Pause between metrics requests. */
  readonly ekgRequestFreqMs: number;
  readonly ekgRequestFull: boolean;
  readonly endpoints: {
    readonly prometheus?: Endpoint;
    readonly ekg?: Endpoint;
    readonly timeseries?: Endpoint;
  };
  readonly tlsCertificate?: TlsCertificate;
  /** Another tracer that gets the trace objects as well. */
  readonly forwarding?: Forwarding;
  /** Never empty, no two alike. */
  readonly logging: readonly LoggingSection[];
  readonly rotation?: Rotation;
  readonly verbosity?: Verbosity;
  readonly metricsNoSuffix: boolean;
  /** Internal metric name → help text. */
  readonly metricsHelp: Readonly<Record<string, string>>;
  readonly prometheusLabels: Readonly<Record<string, string>>;
  /** How often the daemon traces its own resource use; absent: never. */
  readonly resourceFreqMs?: number;
  readonly muninn: MuninnConfig;
}

export type Network =
  | { readonly mode: "AcceptAt"; readonly address: Address }
  | { readonly mode: "ConnectTo"; readonly addresses: readonly Address[] };

export interface Endpoint {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly forceSsl: boolean;
}

/** File names are absolute. */
export interface TlsCertificate {
  readonly certificateFile: string;
  readonly certificateKeyFile: string;
  readonly certificateChain: readonly string[];
}

export interface Forwarding {
  readonly network: Network;
  /** Only namespaces that begin with one of these lists of parts; absent: all. */
  readonly prefixes?: readonly (readonly string[])[];
  /** Trace objects kept while the other tracer does not ask for them. */
  readonly queueSize: number;
  readonly verbosity: "Minimum" | "Maximum";
  readonly maxReconnectDelayMs: number;
}

export interface LoggingSection {
  /** Absolute, resolved against the working directory; in JournalMode, where it means nothing, any text. */
  readonly logRoot: string;
  readonly mode: "FileMode" | "JournalMode";
  readonly format: "ForMachine" | "ForHuman";
}

export interface Rotation {
  readonly frequencyMs: number;
  readonly limitBytes: number;
  readonly maxAgeMs: number;
  readonly keepFiles: number;
}

type Verbosity = "Minimum" | "ErrorsOnly" | "Maximum";

/** What a client of an endpoint must show: a bearer token, or user and password of HTTP's basic scheme. */
export type EndpointAuth =
  | { readonly bearerToken: string }
  | { readonly user: string; readonly password: string };

/** Everything below the key `muninn:`; one table in `docs/configuration.md` lists it with units and defaults. */
export interface MuninnConfig {
  readonly registry: {
    readonly maxOpenFiles: number;
    /** 0 keeps files open. */
    readonly idleTimeoutMs: number;
  };
  readonly durability: "os" | "disk";
  readonly humanLayout: "console" | "text";
  /** Permission bits; absent: the umask decides. */
  readonly files: { readonly mode?: number; readonly dirMode?: number };
  /** Permission bits; absent: the umask decides. */
  readonly socketMode?: number;
  readonly maxConnections: number;
  readonly maxObjectBytes: number;
  readonly maxAnswerBytes: number;
  /** Most requests for trace objects outstanding at one node. */
  readonly requestsAhead: number;
  /** Bytes asked for or received but not written, of all nodes together. */
  readonly maxInFlightBytes: number;
  readonly handshakeTimeoutMs: number;
  readonly nameTimeoutMs: number;
  readonly reconnect: { readonly initialMs: number; readonly maxMs: number };
  /** Where health is served beside the Prometheus port. */
  readonly health?: { readonly host: string; readonly port: number };
  readonly auth: {
    readonly prometheus?: EndpointAuth;
    readonly ekg?: EndpointAuth;
    readonly health?: EndpointAuth;
  };
}
