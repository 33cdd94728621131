/**
 * Tests that mutants run against: those in which the sources run in the test's own process, without the built program,
 * browsers and external servers. Mutants found only by the other tests come on top.
 */
export const notInProcess = [
  "test/{faults,interop,original,soak,systemd,config-files}/**",
  "test/commands/{check,print,relay}.test.ts",
  "test/config/{examples-and-docs,files}.test.ts",
  "test/daemon/{reload,stopping}.test.ts",
  "test/daemon/log/log.test.ts",
  "test/daemon/systemd/**",
  "test/forwarder/library/**",
  "test/http/{pages-in-chromium,real-prometheus}.test.ts",
  "test/metrics/node/**/*exposition*.test.ts",
  "test/metrics/own/own-metrics.test.ts",
  "test/registry/{other-processes,real-disks}.test.ts",
  "test/sinks/forwarding/forwarding.test.ts",
  "test/sinks/journal/{daemon,real-journald}.test.ts",
  "test/otlp/**",
  "test/sinks/nats/nats.test.ts",
  "test/sinks/otlp/{nodes,otlp}.test.ts",
  "test/testing/testing-doc.test.ts",
  "test/transport/{connectors,listener}.test.ts",
  "test/wiring/{daemon,links}.test.ts",
];
