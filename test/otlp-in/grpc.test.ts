import { connect } from "node:http2";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { startTracer, type TestTracer } from "../../src/testing/entry.js";
import { slowSink } from "./slow-sink.js";

const otlp = { host: "127.0.0.1", port: 0, grpcPort: 0 };
const path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

interface Called {
  readonly status: string | undefined;
  readonly message: string | undefined;
}

/** Makes one unary call. */
async function call(
  tracer: TestTracer,
  framed: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Called> {
  const session = connect(`http://${tracer.served.get("otlpGrpc")}`);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    ...headers,
  });
  const called = await new Promise<Called>((resolve) => {
    let status: Called = { status: undefined, message: undefined };
    const take = (given: Record<string, unknown>) => {
      if (given["grpc-status"] === undefined) return;
      status = { status: String(given["grpc-status"]), message: given["grpc-message"] as string | undefined };
    };
    stream.on("response", take);
    stream.on("trailers", take);
    stream.on("error", () => {});
    stream.on("close", () => resolve(status));
    stream.resume();
    stream.end(framed);
  });
  session.destroy();
  return called;
}

function frame(message: Uint8Array, packed = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = packed;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** `resource_logs { scope_logs { log_records { body { string_value: "hello" } } } }` */
const hello = Buffer.from("0a0d120b12092a070a0568656c6c6f", "hex");

test("a call with one record is answered once the record is in its file, packed or not", async () => {
  await using tracer = await startTracer({ config: { muninn: { otlp } } });
  expect(await call(tracer, frame(hello))).toMatchObject({ status: "0" });
  expect(await tracer.linesOf("unknown_service")).toHaveLength(1);
  expect(await call(tracer, frame(gzipSync(hello), 1), { "grpc-encoding": "gzip" })).toMatchObject({
    status: "0",
  });
  const lines = await tracer.linesOf("unknown_service");
  expect(lines.map((line) => JSON.parse(line).data)).toEqual([{ body: "hello" }, { body: "hello" }]);
});

test.each([
  ["garbage", frame(Buffer.from("garbage")), {}, "3"],
  ["a message that is cut off", frame(hello).subarray(0, 9), {}, "3"],
  ["bytes that are not gzip", frame(hello, 1), {}, "3"],
  ["a gzip bomb", frame(gzipSync(Buffer.alloc(21 * 2 ** 20)), 1), {}, "8"],
  ["another service", frame(hello), { ":path": "/a.b/C" }, "12"],
  ["another encoding", frame(hello), { "grpc-encoding": "snappy" }, "12"],
  ["no token", frame(hello), { authorization: "Bearer wrong" }, "16"],
])("%s is refused with the right code, and nothing is stored", async (_, framed, headers, status) => {
  const auth = { otlp: { bearerToken: "secret" } };
  await using tracer = await startTracer({ config: { muninn: { otlp, auth } } });
  const authorization = "Bearer secret";
  expect((await call(tracer, framed, { authorization, ...headers })).status).toBe(status);
  expect(tracer.accounts().received).toBe(0);
  expect((await call(tracer, frame(hello), { authorization })).status).toBe("0");
});

test("a request beyond muninn.maxInFlightBytes is answered UNAVAILABLE, and health says so; later it is accepted", async () => {
  const { letGo, sinkKinds } = slowSink();
  const muninn = { otlp, maxInFlightBytes: "1MiB", health: { host: "127.0.0.1", port: 0 } };
  await using tracer = await startTracer({ sinkKinds, config: { muninn } });
  const varint = (value: number) => [(value & 127) | 128, ((value >> 7) & 127) | 128, value >> 14];
  const field = (number: number, bytes: Uint8Array) =>
    Buffer.concat([Buffer.from([number * 8 + 2, ...varint(bytes.length)]), bytes]);
  // A body of 400,000 characters.
  const large = field(1, field(2, field(2, field(5, field(1, Buffer.alloc(400_000, "x"))))));
  const calls = Array.from({ length: 6 }, () => call(tracer, frame(large)));
  expect((await Promise.race(calls)).status).toBe("14");
  const health = await fetch(`http://${tracer.served.get("health")}/healthz`);
  expect(await health.text()).toContain("OTLP exporters were asked to retry later");
  letGo();
  const statuses = (await Promise.all(calls)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set(["0", "14"]));
  expect((await call(tracer, frame(large))).status).toBe("0");
});
