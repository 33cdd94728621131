import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { encodeTraceReply } from "../../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../../src/protocol/trace-object.js";
import type { Attack, Target } from "../attack.js";
import { HostilePeer } from "../hostile-peer.js";
import { smallestObject } from "./answers.js";
import { scrape, seconds } from "./metrics.js";

/** The file that the daemon reads again at SIGHUP. */
function configurationOf({ place }: Target): string {
  return place.path("config-0.json");
}

/** Another configuration, and a reload. */
async function reloadedWith(
  target: Target,
  change: (whole: Record<string, unknown>) => unknown,
): Promise<void> {
  const file = configurationOf(target);
  const whole = JSON.parse(await readFile(file, "utf8"));
  writeFileSync(file, JSON.stringify(change(whole)));
  target.daemon.signal("SIGHUP");
}

function manyTexts(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`Mem.resident.${index}`, `what ${index} is`]),
  );
}

function manyKeys(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`netwrk${index}`, index]));
}

/** A pipe that nobody writes to in the place of a file, and a reload; the program must still stop. */
async function pipeInPlaceOf(target: Target, file: string): Promise<void> {
  rmSync(file, { force: true });
  execFileSync("mkfifo", [file]);
  target.daemon.signal("SIGHUP");
  await target.daemon.logged("reload_failed");
}

/** An unusable configuration, and a reload that reports it. */
async function refusedText(target: Target, text: string): Promise<void> {
  writeFileSync(configurationOf(target), text);
  target.daemon.signal("SIGHUP");
  await target.daemon.logged("reload_failed");
}

/** Attacks by files that others write: a configuration, or files below the log root. */
export const files: readonly Attack[] = [
  {
    name: "a reload with 40,000 unknown keys",
    onlyWhole: true,
    run: async (target) => {
      await reloadedWith(target, (whole) => ({ ...whole, ...manyKeys(40_000) }));
      await target.daemon.logged("reloaded");
    },
    said: ["reloaded"],
  },
  {
    name: "a reload with 40,000 unknown keys below muninn",
    run: async (target) => {
      await reloadedWith(target, ({ muninn, ...whole }) => ({
        ...whole,
        muninn: { ...(muninn as object), ...manyKeys(40_000) },
      }));
      await target.daemon.logged("reload_failed");
    },
    said: ["reload_failed"],
  },
  {
    name: "a configuration nested ten thousand levels deep",
    onlyWhole: true,
    run: (target) => refusedText(target, `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`),
    said: ["reload_failed"],
  },
  {
    name: "a configuration whose aliases grow exponentially",
    onlyWhole: true,
    run: (target) => {
      const levels = Array.from(
        { length: 30 },
        (_, level) => `a${level + 1}: &a${level + 1} [${Array(10).fill(`*a${level}`).join(", ")}]`,
      );
      return refusedText(target, `a0: &a0 [x]\n${levels.join("\n")}\n`);
    },
    said: ["reload_failed"],
  },
  {
    name: "a configuration of four megabytes that is not JSON",
    run: (target) => refusedText(target, `{"a": ${'"'.padEnd(4_000_000, "\\\\\u001b[2J")}`),
    said: ["reload_failed"],
  },
  {
    name: "a configuration that merges one mapping many times",
    onlyWhole: true,
    run: (target) => {
      const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`);
      return refusedText(target, `a: &a {${keys.join(", ")}}\nb:\n${"- {<<: *a}\n".repeat(100_000)}`);
    },
    said: ["reload_failed"],
  },
  {
    name: "a configuration with a million values",
    onlyWhole: true,
    run: (target) => refusedText(target, `a:\n${"- 1\n".repeat(1_000_000)}`),
    said: ["reload_failed"],
  },
  {
    name: "a configuration with 30,000 logging sections",
    onlyWhole: true,
    run: async (target) => {
      await reloadedWith(target, ({ logging, ...whole }) => ({
        ...whole,
        logging: Array.from({ length: 30_000 }, (_, index) => ({
          logRoot: `logs-${index}`,
          logMode: "FileMode",
          logFormat: "ForMachine",
        })),
      }));
      await Promise.race([target.daemon.logged("reload_failed"), target.daemon.logged("reloaded")]);
    },
  },
  {
    name: "a reload with as many help texts as are allowed",
    run: async (target) => {
      await reloadedWith(target, (whole) => ({ ...whole, metricsHelp: manyTexts(10_000) }));
      await target.daemon.logged("reloaded");
      await scrape(target.prometheus);
    },
  },
  {
    name: "a named pipe in place of the configuration file",
    onlyWhole: true,
    run: (target) => pipeInPlaceOf(target, configurationOf(target)),
    said: ["reload_failed"],
  },
  {
    name: "hundreds of reloads",
    onlyWhole: true,
    run: async ({ daemon, pick }) => {
      for (let index = 0; index < pick(200, 2_000); index += 1) {
        daemon.signal("SIGHUP");
        await seconds(0.005);
      }
      await seconds(1);
    },
  },
  {
    name: "a node's directory that is replaced with a symbolic link again and again",
    run: async ({ socket, place, pick }) => {
      const outside = place.path("outside");
      mkdirSync(outside);
      writeFileSync(`${outside}/node-2020-01-01T00-00-00.json`, "precious\n");
      symlinkSync("node-2020-01-01T00-00-00.json", `${outside}/node.json`);
      const before = readdirSync(outside);
      const directory = `${place.logRoot}/victim`;
      const until = performance.now() + pick(3, 20) * 1_000;
      for (let round = 0; performance.now() < until; round += 1) {
        using peer = await HostilePeer.at(socket, { name: "victim" });
        await peer.send(2, smallReply);
        for (let swap = 0; swap < 20; swap += 1) {
          try {
            renameSync(directory, `${place.logRoot}/.aside-${round}-${swap}`);
            symlinkSync(outside, directory);
            await seconds(0.003);
            rmSync(directory);
          } catch {
            await seconds(0.003);
          }
        }
      }
      const after = readdirSync(outside);
      if (JSON.stringify(after) !== JSON.stringify(before)) throw new Error(`written outside: ${after}`);
      const precious = readFileSync(`${outside}/node-2020-01-01T00-00-00.json`, "utf8");
      if (precious !== "precious\n") throw new Error(`changed outside: ${precious}`);
    },
    bounds: { logBytes: 4 * 1_048_576 },
  },
  {
    name: "a log root with a hundred thousand foreign directories",
    config: {
      rotation: { rpFrequencySecs: 1, rpKeepFilesNum: 2, rpLogLimitBytes: 100_000, rpMaxAgeHours: 1 },
    },
    prepare: ({ logRoot }) => {
      const others = Array.from({ length: 100_000 }, (_, index) => `${logRoot}/other-${index}`);
      for (const other of others) mkdirSync(other, { recursive: true });
      return () => {};
    },
    onlyWhole: true,
    run: () => seconds(15),
  },
  {
    name: "named pipes and files of the year 9999 where log files belong",
    run: async ({ socket, place, daemon }) => {
      const directory = `${place.logRoot}/victim`;
      mkdirSync(directory);
      writeFileSync(`${directory}/node-9999-12-31T23-59-59.json`, "");
      const now = Date.now();
      for (let second = -2; second < 8; second += 1) {
        const name = new Date(now + second * 1_000).toISOString().slice(0, 19).replaceAll(":", "-");
        execFileSync("mkfifo", [`${directory}/node-${name}.json`]);
      }
      using peer = await HostilePeer.at(socket, { name: "victim" });
      await peer.send(2, smallReply);
      await daemon.logged("node_connected", ({ node }) => node === "victim");
      await seconds(3);
      const own = await (await daemon.page("/metrics/self")).text();
      if (!/^muninn_objects_written_total\{node="victim",[^}]*\} 1$/m.test(own))
        throw new Error("nothing was written");
    },
  },
];

const smallReply = encodeTraceReply([encodeTraceObject(smallestObject)]);
