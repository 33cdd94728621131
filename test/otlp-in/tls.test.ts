import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { connect } from "node:http2";
import { request } from "node:https";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startTracer } from "../../src/testing/entry.js";

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
