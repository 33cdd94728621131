import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { openServiceManager, type ServiceManager } from "../../../src/daemon/systemd/service-manager.js";
import { feedingPauseMs } from "../../../src/daemon/systemd/watchdog.js";
import { DatagramReceiver, receiverMissing } from "./datagram-receiver.js";

describe("a service manager that listens", () => {
  let sent: (readonly string[])[];
  let answers: { resolve: () => void; reject: (error: Error) => void }[];
  let unreachable: string[];
  let manager: ServiceManager;

  beforeEach(() => {
    vi.useFakeTimers();
    sent = [];
    answers = [];
    unreachable = [];
    manager = openServiceManager({
      env: { NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "3000000" },
      notify: (assignments) => {
        sent.push(assignments);
        return new Promise((resolve, reject) => answers.push({ resolve, reject }));
      },
      onUnreachable: ({ message }) => unreachable.push(message),
    });
  });
  afterEach(async () => {
    const stopped = manager.stop();
    await vi.advanceTimersByTimeAsync(1_000);
    await stopped;
    vi.useRealTimers();
  });

  /** The message in progress arrives, or does not. */
  async function settle(error?: Error): Promise<void> {
    const answer = answers.shift()!;
    if (error === undefined) answer.resolve();
    else answer.reject(error);
    await vi.advanceTimersByTimeAsync(0);
  }

  test("receives the states in their order, one message at a time", async () => {
    manager.ready("tracing");
    manager.status("3 nodes");
    manager.stopping();
    expect(sent).toEqual([["READY=1", "STATUS=tracing"]]);
    await settle();
    await settle();
    await settle();
    expect(sent).toEqual([
      ["READY=1", "STATUS=tracing"],
      ["STATUS=3 nodes"],
      ["STOPPING=1", "STATUS=stopping"],
    ]);
  });

  test("receives the beginning of a reload, on the clock that it compares", async () => {
    const before = process.hrtime.bigint() / 1_000n;
    manager.reloading();
    const [reloading, monotonic] = sent[0]!;
    expect(reloading).toBe("RELOADING=1");
    expect(BigInt(monotonic!.replace("MONOTONIC_USEC=", ""))).toBeGreaterThanOrEqual(before);
    expect(BigInt(monotonic!.replace("MONOTONIC_USEC=", ""))).toBeLessThanOrEqual(
      process.hrtime.bigint() / 1_000n,
    );
  });

  test("receives only the last of several states that waited", async () => {
    manager.ready("tracing");
    for (let nodes = 1; nodes <= 100; nodes += 1) manager.status(`${nodes} nodes`);
    await settle();
    await settle();
    expect(sent).toEqual([["READY=1", "STATUS=tracing"], ["STATUS=100 nodes"]]);
  });

  test("receives no assignment that a status smuggles in", () => {
    manager.status("all well\nSTOPPING=1");
    expect(sent).toEqual([["STATUS=all well STOPPING=1"]]);
  });

  test("is fed three times within the time of its watchdog", async () => {
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent).toEqual([["WATCHDOG=1"]]);
    await settle();
    await vi.advanceTimersByTimeAsync(1_000);
    await settle();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent).toEqual(Array(3).fill(["WATCHDOG=1"]));
  });

  test("is fed one message at a time, without catching up on those missed", async () => {
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toHaveLength(1);
    await settle();
    await settle();
    expect(sent).toHaveLength(2);
    expect(answers).toHaveLength(0);
  });

  test("is still fed after messages that fail, which is reported once", async () => {
    await vi.advanceTimersByTimeAsync(1_000);
    await settle(new Error("no such program"));
    await vi.advanceTimersByTimeAsync(1_000);
    await settle(new Error("no such program"));
    expect(unreachable).toEqual(["no such program"]);
    await vi.advanceTimersByTimeAsync(1_000);
    await settle();
    await vi.advanceTimersByTimeAsync(1_000);
    await settle(new Error("gone again"));
    expect(sent).toHaveLength(4);
    expect(unreachable).toEqual(["no such program", "gone again"]);
  });

  test("has received its last message before a stop ends", async () => {
    manager.stopping();
    let isStopped = false;
    const stopped = manager.stop().then(() => {
      isStopped = true;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(isStopped).toBe(false);
    await settle();
    await stopped;
    expect(isStopped).toBe(true);
  });

  test("delays a stop by at most a second if it does not answer", async () => {
    manager.stopping();
    const stopped = manager.stop();
    await vi.advanceTimersByTimeAsync(1_000);
    await stopped;
  });

  test("receives nothing after a stop, which is idempotent and leaves no timer", async () => {
    await Promise.all([manager.stop(), manager.stop()]);
    manager.ready("tracing");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test.each([{}, { NOTIFY_SOCKET: "", WATCHDOG_USEC: "1000" }])(
  "with no service manager (%j) nothing is ever sent",
  async (env) => {
    vi.useFakeTimers();
    const notify = vi.fn(async () => {});
    const manager = openServiceManager({ env, notify, onUnreachable: () => {} });
    manager.ready("a");
    manager.reloading();
    manager.status("b");
    manager.stopping();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(notify).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
    await manager.stop();
    vi.useRealTimers();
  },
);

test.each<[string, NodeJS.ProcessEnv, number | undefined]>([
  ["exists", { WATCHDOG_USEC: "30000000" }, 10_000],
  ["is for us", { WATCHDOG_USEC: "30000000", WATCHDOG_PID: "42" }, 10_000],
  ["is for another process", { WATCHDOG_USEC: "30000000", WATCHDOG_PID: "43" }, undefined],
  ["is missing", {}, undefined],
  ["is switched off", { WATCHDOG_USEC: "0" }, undefined],
  ["makes no sense", { WATCHDOG_USEC: "soon" }, undefined],
  ["is impatient", { WATCHDOG_USEC: "1" }, 1],
])("a watchdog that %s: %j is fed every %s ms", (_, env, pauseMs) => {
  expect(feedingPauseMs(env, 42)).toBe(pauseMs);
});

describe("the real systemd-notify", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test("brings every message to the socket, in order, and feeds the watchdog", async (ctx) => {
    if (receiverMissing) ctx.skip(receiverMissing);
    const receiver = await DatagramReceiver.open();
    onTestFinished(() => receiver.stop());
    vi.stubEnv("NOTIFY_SOCKET", receiver.path);
    vi.stubEnv("WATCHDOG_USEC", "150000");
    vi.stubEnv("WATCHDOG_PID", String(process.pid));
    const errors: Error[] = [];
    const manager = openServiceManager({ onUnreachable: (error) => errors.push(error) });
    onTestFinished(() => manager.stop());
    const { messages } = receiver;
    const arrived = (check: () => void) => vi.waitFor(check, { timeout: 30_000 });

    manager.ready("tracing 3 nodes");
    manager.reloading();
    await arrived(() =>
      expect(messages.filter((message) => message === "WATCHDOG=1").length).toBeGreaterThanOrEqual(3),
    );
    manager.ready("reloaded");
    manager.stopping();
    await arrived(() => expect(messages).toContain("STOPPING=1\nSTATUS=stopping"));
    expect(messages.filter((message) => message !== "WATCHDOG=1")).toEqual([
      "READY=1\nSTATUS=tracing 3 nodes",
      expect.stringMatching(/^RELOADING=1\nMONOTONIC_USEC=\d+$/),
      "READY=1\nSTATUS=reloaded",
      "STOPPING=1\nSTATUS=stopping",
    ]);
    expect(errors).toEqual([]);
  });

  test("reports that nobody listens on the socket", async (ctx) => {
    if (receiverMissing) ctx.skip(receiverMissing);
    const directory = await mkdtemp(join(tmpdir(), "muninn-notify-"));
    vi.stubEnv("NOTIFY_SOCKET", join(directory, "nobody.sock"));
    const error = await new Promise<Error>((resolve) => {
      openServiceManager({ onUnreachable: resolve }).ready("tracing");
    });
    expect(error.message).toBe("systemd-notify ended with exit code 1");
    await rmdir(directory);
  });

  test("may be missing: that is reported, and the daemon continues", async () => {
    vi.stubEnv("NOTIFY_SOCKET", "/run/systemd/notify");
    vi.stubEnv("PATH", "/proc/self/none");
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      openServiceManager({ onUnreachable: resolve }).ready("tracing");
    });
    expect(error.code).toBe("ENOENT");
  });
});
