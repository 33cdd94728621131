import { execFileSync } from "node:child_process";
import { copyFile, rename, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { freePort, type LogLine, Workplace } from "../end-to-end/daemon.js";
import { certificateFile } from "../transport/certificates.js";

const hangingOpen = fileURLToPath(new URL("hanging-open.cjs", import.meta.url));

/** Every file that a configuration may name, and that is read at the start and at each reload. */
async function configured(place: Workplace): Promise<Record<string, unknown>> {
  const file = async (name: string, from: string) => {
    await copyFile(from, place.path(name));
    return place.path(name);
  };
  const pair = async (name: string) => ({
    certificateFile: await file(`${name}.pem`, certificateFile("server")),
    certificateKeyFile: await file(`${name}-key.pem`, certificateFile("server-key")),
  });
  await writeFile(place.path("link.token"), "a-token-of-16-signs\n");
  const port = () => freePort("127.0.0.1");
  return {
    hasPrometheus: { epHost: "127.0.0.1", epPort: 0, epForceSSL: true },
    tlsCertificate: await pair("http"),
    muninn: {
      links: [
        {
          listen: `wss://127.0.0.1:${await port()}/nodes`,
          tls: { ...(await pair("wss")), clientCaFile: await file("ca.pem", certificateFile("ca")) },
          access: [{ tokenFile: place.path("link.token"), nodes: ["*"] }],
        },
        {
          connect: `wss://127.0.0.1:${await port()}/nodes`,
          tokenFile: await file("own.token", place.path("link.token")),
          tls: { caFile: await file("own-ca.pem", certificateFile("ca")) },
        },
      ],
      otlp: { host: "127.0.0.1", port: 0, tls: await pair("otlp") },
    },
  };
}

const files = [
  "http.pem",
  "http-key.pem",
  "wss.pem",
  "wss-key.pem",
  "ca.pem",
  "link.token",
  "own.token",
  "own-ca.pem",
  "otlp.pem",
  "otlp-key.pem",
];

test("a reload reports any file that is a pipe, and delays neither a later reload nor the stop", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start(await configured(place));
  const after = (count: number) => (line: LogLine) => daemon.log.indexOf(line) >= count;
  for (const name of files) {
    const file = place.path(name);
    await rename(file, `${file}.kept`);
    execFileSync("mkfifo", [file]);
    let before = daemon.log.length;
    daemon.signal("SIGHUP");
    const { msg } = await daemon.logged("reload_failed", after(before));
    expect(msg).toContain(`${file} cannot be read: it is a pipe`);
    await rm(file);
    await rename(`${file}.kept`, file);
    before = daemon.log.length;
    daemon.signal("SIGHUP");
    await daemon.logged("reloaded", after(before));
  }
  execFileSync("mkfifo", [`${place.path("link.token")}.pipe`]);
  await rename(`${place.path("link.token")}.pipe`, place.path("link.token"));
  daemon.signal("SIGHUP");
  await daemon.logged("reload_failed", after(daemon.log.length));
  expect(await daemon.stop()).toBe(0);
});

test.each(files)("a start fails with a message if %s is a pipe", async (name) => {
  await using place = await Workplace.open();
  const config = await configured(place);
  await rm(place.path(name));
  execFileSync("mkfifo", [place.path(name)]);
  await expect(place.start(config)).rejects.toThrow("cannot be read: it is a pipe");
});

test.each(["config-0.json", "http.pem", "link.token", "otlp-key.pem"])(
  "while %s hangs, a later reload is answered and the daemon stops",
  async (name) => {
    await using place = await Workplace.open();
    const daemon = await place.start(await configured(place), {
      under: ["env", `HANGING_FILE=/${basename(name)}`, `NODE_OPTIONS=--require ${hangingOpen}`],
    });
    const hangs = `${place.path(name)}.hangs`;
    await writeFile(hangs, "");
    daemon.signal("SIGHUP");
    expect((await daemon.logged("reload_failed")).msg).toContain("cannot be read: no answer for 5 s");
    // It still waits for the last answer; files that do not hang are read.
    await rm(hangs);
    const before = daemon.log.length;
    daemon.signal("SIGHUP");
    const { msg } = await daemon.logged("reload_failed", (line) => daemon.log.indexOf(line) >= before);
    expect(msg).toContain("the last read of it has not ended");
    daemon.signal("SIGHUP");
    expect(await daemon.stop()).toBe(0);
  },
);
