import type { RequiredSink } from "../../src/sinks/sink.js";

/** A sink that makes nothing safe until the test allows it. */
export function slowSink() {
  let letGo!: (error?: Error) => void;
  const gate = new Promise<void>((resolve, reject) => {
    letGo = (error) => (error === undefined ? resolve() : reject(error));
  });
  gate.catch(() => {});
  const sink: RequiredSink = {
    kind: "required",
    whenStuck: "",
    name: "slow",
    open: () => {},
    write: async () => {
      await gate;
      return undefined;
    },
    drained: async () => {},
    close: () => {},
    health: () => ({ state: "ok", since: 0 }),
    stop: async () => letGo(),
  };
  return { letGo, sinkKinds: [{ kind: "slow", open: async () => [sink] }] };
}
