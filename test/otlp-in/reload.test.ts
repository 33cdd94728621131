import { once } from "node:events";
import { copyFile, readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { connect } from "node:http2";
import { request } from "node:https";
import type { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Workplace } from "../end-to-end/daemon.js";

const pem = (name: string) => fileURLToPath(new URL(`../http/certificates/${name}.pem`, import.meta.url));
const records = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}}]}]}]}';
/** The same request, framed for gRPC. */
const framed = Buffer.from("000000000f0a0d120b12092a070a0568656c6c6f", "hex");

test("after SIGHUP both transports use the new secret and certificate for new connections", async () => {
  await using place = await Workplace.open();
  const [certificateFile, certificateKeyFile] = [place.path("cert.pem"), place.path("key.pem")];
  const install = async (name: string) => {
    await copyFile(pem(name), certificateFile);
    await copyFile(pem(`${name}-key`), certificateKeyFile);
  };
  await install("server");
  const tls = { certificateFile, certificateKeyFile, certificateChain: [pem("intermediate")] };
  const muninn = (bearerToken: string) => ({
    otlp: { host: "127.0.0.1", port: 0, grpcPort: 0, tls },
    auth: { otlp: { bearerToken } },
  });
  const daemon = await place.start({ muninn: muninn("one-of-the-secrets") });
  const { served } = await daemon.logged("started");
  const { otlp, otlpGrpc } = served as Record<string, string>;
  const secure = { ca: await readFile(pem("root")), checkServerIdentity: () => undefined };

  /** Status and serial number of the certificate, over HTTP and gRPC. */
  async function ask(token: string): Promise<readonly unknown[]> {
    const authorization = `Bearer ${token}`;
    const headers = { "content-type": "application/json", authorization };
    const sent = request(`https://${otlp}/v1/logs`, { ...secure, agent: false, method: "POST", headers });
    sent.end(records);
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    const serial = (answer.socket as TLSSocket).getPeerCertificate().serialNumber;
    answer.resume();
    const session = connect(`https://${otlpGrpc}`, secure);
    const call = session.request({
      ":method": "POST",
      ":path": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
      "content-type": "application/grpc",
      authorization,
    });
    let status: unknown;
    const look = (given: Record<string, unknown>) => {
      status ??= given["grpc-status"];
    };
    call.on("response", look).on("trailers", look).resume();
    call.end(framed);
    await once(call, "close");
    const grpcSerial = (session.socket as TLSSocket).getPeerCertificate().serialNumber;
    session.destroy();
    return [answer.statusCode, status, serial === grpcSerial ? serial : "not the same"];
  }

  const before = await ask("one-of-the-secrets");
  expect(before.slice(0, 2)).toEqual([200, "0"]);
  expect((await ask("another-secret-word")).slice(0, 2)).toEqual([401, "16"]);
  await install("renewed");
  await place.change({ muninn: muninn("another-secret-word") });
  daemon.signal("SIGHUP");
  await daemon.logged("reloaded");
  const after = await ask("another-secret-word");
  expect(after.slice(0, 2)).toEqual([200, "0"]);
  expect(["not the same", before[2]]).not.toContain(after[2]);
  expect((await ask("one-of-the-secrets")).slice(0, 2)).toEqual([401, "16"]);
  expect(await daemon.stop()).toBe(0);
});
