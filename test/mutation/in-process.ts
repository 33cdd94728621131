/**
 * Tests that mutants run against: those in which the sources run in the test's own process, without the built program,
 * browsers and external servers. Mutants found only by the other tests come on top.
 */
export const notInProcess = [
  "test/{attack,config-files,end-to-end,faults,interop,original,otlp,soak,systemd}/**",
  "test/collect/example.test.ts",
  "test/commands/{check,print,relay}.test.ts",
  "test/config/{examples-and-docs,files}.test.ts",
  "test/daemon/{ghc-runtime-options,hanging-files,reload,stopping,young-objects}.test.ts",
  "test/daemon/log/unread-stdout.test.ts",
  "test/forwarder/library/**",
  "test/http/{pages-in-chromium,real-prometheus}.test.ts",
  "test/inner-nodes/self-trace-in-daemon.test.ts",
  "test/metrics/node/**/*exposition*.test.ts",
  "test/metrics/own/own-metrics.test.ts",
  "test/otlp-in/reload.test.ts",
  "test/registry/{other-processes,real-disks}.test.ts",
  "test/sinks/forwarding/forwarding.test.ts",
  "test/sinks/journal/{daemon,real-journald}.test.ts",
  "test/sinks/nats/nats.test.ts",
  "test/sinks/otlp/{nodes,otlp}.test.ts",
  "test/{tail/program,testing/testing-doc,top/terminal,ui/page-in-chromium}.test.ts",
  "test/transport/{connectors,listener}.test.ts",
  "test/wiring/{daemon,links}.test.ts",
];
