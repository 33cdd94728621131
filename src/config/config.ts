import type { Address } from "../transport/address.js";

/** The effective configuration: every default filled in, every time in milliseconds, every size in bytes. */
export interface Config {
  /** Network magic, uint32; must equal the nodes'. */
  readonly networkMagic: number;
  readonly network:
    | { readonly mode: "AcceptAt"; readonly address: Address }
    | { readonly mode: "ConnectTo"; readonly addresses: readonly Address[] };
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
  /** Kept as read; serving it is not built yet and `run` refuses it. */
  readonly forwarding?: unknown;
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

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly forceSsl: boolean;
}

export interface TlsCertificate {
  readonly certificateFile: string;
  readonly certificateKeyFile: string;
  readonly certificateChain: readonly string[];
}

export interface LoggingSection {
  /** Absolute; resolved against the working directory. */
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

export type Verbosity = "Minimum" | "ErrorsOnly" | "Maximum";

/** Everything below the key `muninn:`; one table in `docs/configuration.md` lists it with units and defaults. */
export interface MuninnConfig {
  readonly registry: { readonly maxOpenFiles: number; readonly idleTimeoutMs: number };
  readonly durability: "os" | "disk";
  readonly humanLayout: "console" | "text";
  readonly files: { readonly mode?: number; readonly dirMode?: number };
  readonly socketMode?: number;
  readonly maxConnections: number;
  readonly maxObjectBytes: number;
  readonly maxAnswerBytes: number;
  readonly handshakeTimeoutMs: number;
  readonly nameTimeoutMs: number;
  readonly reconnect: { readonly initialMs: number; readonly maxMs: number };
}
