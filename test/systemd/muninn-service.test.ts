import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { nodeAt } from "../end-to-end/nodes.js";
import { leftOut } from "../left-out.js";
import { Machine, missingMachine } from "./machine.js";

const configuration = `networkMagic: 764824073
network: {tag: AcceptAt, contents: /run/muninn/muninn.sock}
logging: [{logRoot: "", logMode: JournalMode, logFormat: ForMachine}]
`;

describe.skipIf(missingMachine)(
  `config/muninn.service under a real systemd${leftOut(missingMachine)}`,
  () => {
    let machine: Machine;

    beforeAll(async () => {
      machine = await Machine.boot();
      await machine.write("/etc/muninn/muninn.yaml", configuration);
    }, 60_000);
    afterAll(async () => machine?.[Symbol.asyncDispose]());

    const socket = () => machine.outside("/run/muninn/muninn.sock");

    /** The numbers of a node's objects in the journal, in the journal's order. */
    function numbersOf(node: string): number[] {
      const messages = machine.run(
        `journalctl -q -o cat _SYSTEMD_UNIT=muninn.service SYSLOG_IDENTIFIER=${node}`,
      );
      return [...messages.matchAll(/"seq":"(\d+)"/g)].map(([, seq]) => Number(seq));
    }

    async function collect(node: string, count: number, meanwhile = async () => {}): Promise<void> {
      await using connected = await nodeAt(socket(), { name: node, count });
      await meanwhile();
      await connected.finished;
      await connected.stop();
    }

    test("starts, and is active once nodes can connect", () => {
      expect(machine.run("systemctl start muninn")).toBe("");
      expect([machine.property("ActiveState"), machine.property("StatusText")]).toEqual([
        "active",
        "tracing nodes that connect to /run/muninn/muninn.sock",
      ]);
      expect(machine.run("stat --format %U /run/muninn/muninn.sock")).toBe("muninn\n");
      expect(machine.run("journalctl -q -u muninn")).not.toContain("journal_rate_limited");
    });

    test("puts every object in the journal once and in order, far above journald's usual limit and over a restart of journald", async () => {
      await collect("flooding", 40_000, async () => {
        await eventually(() => expect(numbersOf("flooding").length).toBeGreaterThan(100));
        expect(machine.run("systemctl restart systemd-journald")).toBe("");
      });
      await eventually(() => expect(numbersOf("flooding").length).toBeGreaterThanOrEqual(40_000));
      const numbers = numbersOf("flooding");
      expect(numbers.length).toBe(40_000);
      expect(numbers.findIndex((number, index) => index > 0 && number !== numbers[index - 1]! + 1)).toBe(-1);
    });

    test("reloads without the kill program, whose package may be missing", async () => {
      expect(machine.run("ls /bin/kill")).toContain("No such file");
      await machine.write("/etc/muninn/muninn.yaml", `${configuration}ekgRequestFreq: 2\n`);
      expect(machine.run("systemctl reload muninn")).toBe("");
      await eventually(() => {
        expect(machine.run("journalctl -q -u muninn")).toMatch(
          /"event":"reloaded","fields":\["ekgRequestFreq"\]/,
        );
      });
      expect(machine.property("ActiveState")).toBe("active");
    });

    test("is started again after it is killed", async () => {
      const before = machine.property("MainPID");
      expect(Number(before)).toBeGreaterThan(1);
      machine.run(`kill -9 ${before}`);
      await eventually(() => {
        expect(machine.property("NRestarts")).toBe("1");
        expect(machine.property("ActiveState")).toBe("active");
      });
      expect(machine.property("MainPID")).not.toBe(before);
      await collect("after-kill", 100);
      await eventually(() => expect(numbersOf("after-kill")).toHaveLength(100));
    });

    test("stops in an orderly way", () => {
      expect(machine.run("systemctl stop muninn")).toBe("");
      expect(["ActiveState", "Result", "ExecMainStatus"].map((name) => machine.property(name))).toEqual([
        "inactive",
        "success",
        "0",
      ]);
    });

    test("loses lines silently under a limit of journald, as Muninn warns, which 0 in the unit does not lift", async () => {
      await machine.write(
        "/etc/systemd/system/muninn.service.d/limit.conf",
        "[Service]\nLogRateLimitIntervalSec=0\nLogRateLimitBurst=0\n",
      );
      await machine.write("/etc/systemd/journald.conf.d/limit.conf", "[Journal]\nRateLimitBurst=100\n");
      machine.run("systemctl restart systemd-journald; systemctl daemon-reload; systemctl start muninn");
      await eventually(() =>
        expect(machine.run("journalctl -q -u muninn")).toContain("journal_rate_limited"),
      );
      await collect("dropped", 20_000);
      expect(machine.run("systemctl stop muninn")).toBe("");
      expect(machine.property("Result")).toBe("success");
      const kept = numbersOf("dropped").length;
      expect(kept).toBeGreaterThan(0);
      expect(kept).toBeLessThan(20_000);
    });
  },
);

test.runIf(missingMachine)(
  `config/muninn.service under a real systemd: left out, ${missingMachine}`,
  (context) => {
    context.skip(missingMachine);
  },
);
