import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { credentialsOf } from "../../src/forwarder/library/program-link.js";
import { type RunningForwarder, startForwarder } from "../../src/forwarder/start-forwarder.js";
import { ScriptedSource } from "../../src/testing/scripted-source.js";
import type { TlsAddress } from "../../src/transport/address.js";
import { authority, certificate, certificateFile } from "../transport/certificates.js";

let directory: string;
let forwarder: RunningForwarder<TlsAddress>;
let faults: string[];
let sockets: TLSSocket[];
/** Sleeps that the forwarder has begun: their length, and a function that ends them. */
let sleeps: { readonly milliseconds: number; readonly end: () => void }[];

const file = (name: string) => join(directory, name);

async function place(name: "server" | "renewed"): Promise<void> {
  await copyFile(certificateFile(name), file("cert.pem"));
  await copyFile(certificateFile(`${name}-key`), file("key.pem"));
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-renewed-"));
  [faults, sockets, sleeps] = [[], [], []];
  await place("server");
  const address = { kind: "tls", host: "localhost", port: 0 } as const;
  const tls = { certificateFile: file("cert.pem"), certificateKeyFile: file("key.pem") };
  forwarder = await startForwarder<TlsAddress>({
    source: new ScriptedSource(),
    network: {
      mode: "listen",
      address,
      credentials: credentialsOf({ mode: "listen", tls, access: "anyone" }, address),
    },
    clock: {
      now: () => 0,
      sleep: (milliseconds, signal) =>
        new Promise<void>((resolve) => {
          sleeps.push({ milliseconds, end: resolve });
          signal.addEventListener("abort", () => resolve());
        }),
    },
    onFault: (message) => faults.push(message),
  });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await forwarder.stop();
  await rm(directory, { recursive: true });
});

/** Connects as a tracer; resolves with the connection and the fingerprint of the certificate it was shown. */
async function connectTracer() {
  const { host, port } = forwarder.address!;
  const socket = connect({ host, port, ca: authority });
  socket.on("error", () => {});
  sockets.push(socket);
  await once(socket, "secureConnect");
  return { socket, shown: socket.getPeerCertificate().fingerprint256 };
}

/** Lets the minute pass; resolves when the files have been read. */
async function minutePasses(): Promise<void> {
  const begun = sleeps.length;
  expect(sleeps.at(-1)!.milliseconds).toBe(60_000);
  sleeps.at(-1)!.end();
  await vi.waitFor(() => expect(sleeps.length).toBe(begun + 1), { timeout: 20_000 });
}

const fingerprintOf = (name: "server" | "renewed") =>
  new X509Certificate(certificate(name).cert).fingerprint256;

test("a listening forwarder shows a renewed certificate to tracers that connect a minute later; others stay connected", async () => {
  const first = await connectTracer();
  expect(first.shown).toBe(fingerprintOf("server"));
  await place("renewed");
  expect((await connectTracer()).shown).toBe(fingerprintOf("server"));
  await minutePasses();
  expect((await connectTracer()).shown).toBe(fingerprintOf("renewed"));
  expect(first.socket.destroyed).toBe(false);
  expect(faults).toEqual([]);
});

test("unusable files are reported and the old credentials stay in use; fixed files are read within a minute", async () => {
  await place("renewed");
  await writeFile(file("key.pem"), "half a k");
  await minutePasses();
  expect(faults).toEqual([expect.stringMatching(/cannot be read again.*key\.pem has no private key/)]);
  expect((await connectTracer()).shown).toBe(fingerprintOf("server"));
  await place("renewed");
  await minutePasses();
  expect((await connectTracer()).shown).toBe(fingerprintOf("renewed"));
});
