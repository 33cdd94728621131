import { writeFile } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { DatagramReceiver, receiverMissing } from "../daemon/systemd/datagram-receiver.js";
import { pages, Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";
import { SmallDisk } from "./small-disk.js";

test("on a full disk systemd's watchdog is still fed, /livez answers, and /readyz gives the reason", async (context) => {
  if (receiverMissing) context.skip(receiverMissing);
  const manager = await DatagramReceiver.open();
  onTestFinished(() => manager.stop());
  await using place = await Workplace.open();
  await using _ = await SmallDisk.mount(context, place.logRoot, "1m");
  await writeFile(place.path("logs", "ballast"), Buffer.alloc(800_000));
  const daemon = await place.start(pages, {
    under: ["env", `NOTIFY_SOCKET=${manager.path}`, "WATCHDOG_USEC=300000"],
  });
  await using node = await nodeAt(place.socket, { name: "patient", size: 300 });
  await daemon.logged("write_failed");
  await eventually(async () => expect((await daemon.page("/readyz")).status).toBe(503));

  const fed = () => manager.messages.filter((message) => message === "WATCHDOG=1").length;
  const before = fed();
  // As long as the disk is full: three times the time after which systemd would end the program.
  await eventually(async () => {
    expect((await daemon.page("/livez")).status).toBe(200);
    expect(fed()).toBeGreaterThan(before + 9);
  });
  const { checks } = (await (await daemon.page("/readyz")).json()) as {
    checks: { name: string; state: string; reason?: string }[];
  };
  expect(checks.find(({ name }) => name.startsWith("sink:"))).toMatchObject({
    state: "failing",
    reason: expect.stringContaining("ENOSPC"),
  });
  expect(manager.messages[0]).toMatch(/^READY=1\n/);
  await daemon.kill();
  await node.stop();
});
