import type { Config, MuninnConfig } from "./config.js";

/** Parts of a configuration under the names that a file gives them. */
const parts = {
  networkMagic: ({ networkMagic }) => networkMagic,
  network: ({ network }) => network,
  loRequestNum: ({ loRequestNum }) => loRequestNum,
  ekgRequestFreq: ({ ekgRequestFreqMs }) => ekgRequestFreqMs,
  ekgRequestFull: ({ ekgRequestFull }) => ekgRequestFull,
  hasPrometheus: ({ endpoints }) => endpoints.prometheus,
  hasEKG: ({ endpoints }) => endpoints.ekg,
  hasTimeseries: ({ endpoints }) => endpoints.timeseries,
  tlsCertificate: ({ tlsCertificate }) => tlsCertificate,
  hasForwarding: ({ forwarding }) => forwarding,
  logging: ({ logging }) => logging,
  rotation: ({ rotation }) => rotation,
  verbosity: ({ verbosity }) => verbosity,
  metricsNoSuffix: ({ metricsNoSuffix }) => metricsNoSuffix,
  metricsHelp: ({ metricsHelp }) => metricsHelp,
  prometheusLabels: ({ prometheusLabels }) => prometheusLabels,
  resourceFreq: ({ resourceFreqMs }) => resourceFreqMs,
} as const satisfies Record<string, (config: Config) => unknown>;

/** Fields that a running tracer takes over; all others would drop nodes, or belong to what is open. */
const adoptable = [
  "tlsCertificate",
  "verbosity",
  "metricsNoSuffix",
  "metricsHelp",
  "prometheusLabels",
  "muninn.auth",
] as const;

export interface Changes {
  /** The running configuration with what can be taken over. */
  readonly adopted: Config;
  /** Fields that were taken over, by the names that a file gives them. */
  readonly applied: readonly string[];
  /** Fields that wait for a restart. */
  readonly waiting: readonly string[];
}

/** What a tracer that runs with one configuration makes of another. */
export function changesTo(running: Config, wanted: Config): Changes {
  const changed = [
    ...Object.entries(parts).filter(([, part]) => differ(part(running), part(wanted))),
    ...muninnFields(running, wanted).filter(([, part]) => differ(part(running), part(wanted))),
  ].map(([name]) => name);
  const isAdoptable = (name: string) => (adoptable as readonly string[]).includes(name);
  const { tlsCertificate: _certificate, verbosity: _verbosity, ...kept } = running;
  const adopted: Config = {
    ...kept,
    ...(wanted.tlsCertificate !== undefined && { tlsCertificate: wanted.tlsCertificate }),
    ...(wanted.verbosity !== undefined && { verbosity: wanted.verbosity }),
    metricsNoSuffix: wanted.metricsNoSuffix,
    metricsHelp: wanted.metricsHelp,
    prometheusLabels: wanted.prometheusLabels,
    muninn: { ...running.muninn, auth: wanted.muninn.auth },
  };
  return {
    adopted,
    applied: changed.filter(isAdoptable),
    waiting: changed.filter((name) => !isAdoptable(name)),
  };
}

function muninnFields(running: Config, wanted: Config): [string, (config: Config) => unknown][] {
  const names = Object.keys({ ...running.muninn, ...wanted.muninn }) as (keyof MuninnConfig)[];
  return names.map((name) => [`muninn.${name}`, ({ muninn }) => muninn[name]]);
}

function differ(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}
