import { expect, test, vi } from "vitest";
import { parseConfig } from "../../src/config/load.js";
import { RefusedConfig, type Reread, rereadConfig } from "../../src/config/reread.js";
import { Reload } from "../../src/daemon/reload.js";

// The thread that reads a configuration is another program; here the test says what it has read.
vi.mock(import("../../src/config/reread.js"), async (original) => ({
  ...(await original()),
  rereadConfig: vi.fn(),
}));

async function configOf(fields: object): Promise<Reread["config"]> {
  const text = JSON.stringify({
    networkMagic: 42,
    network: { tag: "AcceptAt", contents: "/run/tracer.sock" },
    logging: [{ logRoot: "/logs", logMode: "FileMode", logFormat: "ForMachine" }],
    ...fields,
  });
  return (await parseConfig(text, "/config.json")).config;
}

async function reloading(options: { reopen?: () => Promise<void> } = {}) {
  const events: [event: string, facts: Record<string, unknown>][] = [];
  const messages: string[] = [];
  const say = (event: string, message: string, facts = {}) => {
    events.push([event, facts]);
    messages.push(message);
  };
  const show = vi.fn();
  const log = { warning: say, error: say, notice: say, show } as never;
  const running = await configOf({});
  const reload = new Reload({ file: "/config.json", running, log, minLogSeverity: "Error" });
  const tracer = {
    registry: { reopen: vi.fn(options.reopen ?? (async () => {})) },
    reload: vi.fn(async (_: Reread["config"]) => {}),
  };
  const run = async (read: Reread | Error) => {
    events.length = 0;
    vi.mocked(rereadConfig).mockImplementationOnce(async () => {
      if (read instanceof Error) throw read;
      return read;
    });
    await reload.run(tracer as never);
  };
  return { reload, tracer, show, events, messages, run };
}

test("what can change while it runs is applied, what cannot is named, and warnings are logged", async () => {
  const { tracer, show, events, run } = await reloading();
  const loaded = await configOf({ verbosity: "Maximum", loRequestNum: 7, networkMagic: 43 });
  await run({ config: loaded, warnings: ["odd"] });
  expect(rereadConfig).toHaveBeenLastCalledWith("/config.json");
  const [applied] = tracer.reload.mock.calls[0]!;
  expect(applied).toMatchObject({ verbosity: "Maximum", networkMagic: 42 });
  expect(show).toHaveBeenCalledWith({ minSeverity: "Error", verbosity: "Maximum" });
  expect(events).toEqual([
    ["config_warning", {}],
    ["reloaded", { fields: ["verbosity"] }],
    ["restart_needed", { fields: ["networkMagic", "loRequestNum"] }],
  ]);
});

test("a reload compares with the one before it", async () => {
  const { events, messages, run } = await reloading();
  const loaded = await configOf({ verbosity: "Maximum" });
  await run({ config: loaded, warnings: [] });
  await run({ config: loaded, warnings: [] });
  expect(events).toEqual([["reloaded", { fields: [] }]]);
  await run({ config: await configOf({}), warnings: [] });
  expect(events).toEqual([["reloaded", { fields: ["verbosity"] }]]);
  const done = "log files and certificates are reopened";
  expect(messages).toEqual([`${done}; changed: verbosity`, done, `${done}; changed: verbosity`]);
});

test("a file that cannot be used changes nothing but that logs are reopened, until one can be used", async () => {
  const { reload, tracer, show, events, run } = await reloading();
  expect(reload.fault).toBeUndefined();
  await run(new RefusedConfig({ message: "three things are wrong", problems: 3 }));
  expect(tracer.registry.reopen).toHaveBeenCalledTimes(1);
  expect(tracer.reload).not.toHaveBeenCalled();
  expect(show).not.toHaveBeenCalled();
  expect(events).toEqual([["reload_failed", { problems: 3 }]]);
  expect(reload.fault).toBe("three things are wrong");
  const err = new Error("no thread");
  await run(err);
  expect(events).toEqual([["reload_failed", { err }]]);
  expect(reload.fault).toBe("no thread");
  await run({ config: await configOf({}), warnings: [] });
  expect(reload.fault).toBeUndefined();
});

test("a disk that hangs delays the end of a reload by a second, and what is applied not at all", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { tracer, events, run } = await reloading({ reopen: () => new Promise(() => {}) });
  let isOver = false;
  const running = run({ config: await configOf({}), warnings: [] }).then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(999);
  expect(tracer.reload).toHaveBeenCalledTimes(1);
  expect(events).toEqual([["reloaded", { fields: [] }]]);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await running;
  vi.useRealTimers();
});
