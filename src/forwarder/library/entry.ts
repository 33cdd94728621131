// What `muninn/forwarder` exports, see docs/forwarder.md.

export type { DetailLevel, Severity } from "../../protocol/trace-batch.js";
export { AddressError, type LinkAddress } from "../../transport/address.js";
export {
  type Forwarder,
  type ForwarderStats,
  type OpenForwarderOptions,
  openForwarder,
  type Trace,
} from "./open-forwarder.js";
export type { ForwarderProblem } from "./problems.js";
export type { ProgramLink, TlsFiles } from "./program-link.js";
export type { Counter, Gauge } from "./program-metrics.js";
