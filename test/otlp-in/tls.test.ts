import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { connect } from "node:http2";
import { request } from "node:https";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { startTracer } from "../../src/testing/entry.js";

const any = { epHost: "127.0.0.1", epPort: 0 };
const pem = (name: string) => fileURLToPath(new URL(`../http/certificates/${name}.pem`, import.meta.url));

test("muninn.otlp.tls serves both transports to clients with user and password", async () => {
  const tls = {
    certificateFile: pem("server"),
    certificateKeyFile: pem("server-key"),
    certificateChain: [pem("intermediate")],
  };
  const auth = { otlp: { basic: { user: "shop", password: "secret" } } };
  const otlp = { host: "127.0.0.1", port: 0, grpcPort: 0, tls };
  await using tracer = await startTracer({ config: { muninn: { otlp, auth } } });
  const ca = await readFile(pem("root"));
  const secure = { ca, checkServerIdentity: () => undefined };

  const statuses: unknown[] = [];
  for (const credentials of ["shop:secret", "shop:wrong"]) {
    const sent = request(`https://${tracer.served.get("otlp")}/v1/logs`, {
      ...secure,
      agent: false,
      method: "POST",
      auth: credentials,
      headers: { "content-type": "application/json" },
    });
    sent.end('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}}]}]}]}');
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    answer.resume();
    statuses.push(answer.statusCode);
  }
  expect(statuses).toEqual([200, 401]);
  expect(await tracer.linesOf("unknown_service")).toHaveLength(1);

  const session = connect(`https://${tracer.served.get("otlpGrpc")}`, secure);
  const call = session.request({ ":method": "POST", ":path": "/none", "content-type": "application/grpc" });
  call.end();
  const [headers] = await once(call, "response");
  expect(headers["grpc-status"]).toBe("12");
  session.destroy();
});

test("a client of TLS that has not negotiated HTTP/2 gets no session, and the next one its own", async () => {
  const tls = {
    certificateFile: pem("server"),
    certificateKeyFile: pem("server-key"),
    certificateChain: [pem("intermediate")],
  };
  const otlp = { host: "127.0.0.1", port: 0, grpcPort: 0, tls };
  await using tracer = await startTracer({ config: { muninn: { otlp } } });
  const ca = await readFile(pem("root"));
  const address = tracer.served.get("otlpGrpc")!;
  const [host, port] = address.split(":") as [string, string];
  const warned = vi.fn();
  process.on("warning", warned);
  for (let client = 0; client < 12; client += 1) {
    const socket = connectTls({ host, port: Number(port), ca, checkServerIdentity: () => undefined });
    socket.on("error", () => {}).resume();
    await once(socket, "secureConnect");
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
  }
  process.off("warning", warned);
  expect(warned).not.toHaveBeenCalled();
});

test("failed handshakes of TLS are counted, at both transports", async () => {
  const tls = { certificateFile: pem("server"), certificateKeyFile: pem("server-key") };
  const otlp = { host: "127.0.0.1", port: 0, grpcPort: 0, tls };
  await using tracer = await startTracer({
    config: { muninn: { otlp, prometheus: {} }, hasPrometheus: any },
  });
  for (const name of ["otlp", "otlpGrpc"]) {
    const [host, port] = tracer.served.get(name)!.split(":") as [string, string];
    const socket = connectTcp(Number(port), host);
    socket
      .on("error", () => {})
      .resume()
      .write("this is not TLS, but it is long enough to be read as a hello");
    await once(socket, "close");
  }
  const own = await (await fetch(`http://${tracer.served.get("prometheus")}/metrics/self`)).text();
  for (const transport of ["http", "grpc"])
    expect(own).toContain(
      `muninn_otlp_in_connections_closed_total{transport="${transport}",reason="tls"} 1\n`,
    );
});
