// What `muninn/testing` exports, see docs/testing.md.

export type { ForwarderSource } from "../forwarder/source.js";
export type { DataPoints } from "../nodes/data-points.js";
export type { MetricValue } from "../protocol/metrics.js";
export type { TraceObject } from "../protocol/trace-object.js";
export type { FileSystem } from "../registry/file-system.js";
export { type Address, formatAddress, parseAddress } from "../transport/address.js";
export type { AddressLike } from "./address-of.js";
export type { DiskFault, FaultyFileSystem } from "./disk-faults.js";
export { eventually } from "./eventually.js";
export { faults } from "./faults.js";
export type { FaultyLink, LinkOptions } from "./faulty-link.js";
export { NumberedSource, type NumberedSourceOptions } from "./numbered-source.js";
export type { Quirks } from "./quirks.js";
export {
  type Comparison,
  type PlayedRecording,
  type PlayOptions,
  type Recording,
  type RecordOptions,
  type RunningRecording,
  recording,
  startRecording,
} from "./recording.js";
export { type ScriptedObject, ScriptedSource, type ScriptedSourceOptions } from "./scripted-source.js";
export { type SimulatedNode, type SimulatedNodeOptions, simulatedNode } from "./simulated-node.js";
export { type ConfigFields, startTracer, type TestTracer, type TestTracerOptions } from "./test-tracer.js";
