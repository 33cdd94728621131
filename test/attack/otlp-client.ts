import { request } from "node:http";
import type { Target } from "./attack.js";
import { seconds } from "./kinds/metrics.js";

export const otlpConfig = { muninn: { otlp: { host: "127.0.0.1", port: 0, grpcPort: 0 } } };
const protobuf = "application/x-protobuf";

export async function servedAt({ daemon }: Target, name: "otlp" | "otlpGrpc"): Promise<string> {
  const { served } = (await daemon.logged("started")) as unknown as { served: Record<string, string> };
  return served[name]!;
}

/** Sends a body from several clients at the same time; resolves with the statuses of the answers. */
export async function post(
  target: Target,
  path: "/v1/logs" | "/v1/metrics",
  body: Buffer,
  { clients = 1, type = protobuf, gzip = false } = {},
): Promise<number[]> {
  const [host, port] = (await servedAt(target, "otlp")).split(":");
  const headers = {
    "content-type": type,
    "content-length": body.length,
    ...(gzip && { "content-encoding": "gzip" }),
  };
  const one = () =>
    new Promise<number>((resolve) => {
      const asked = request({ host, port, path, method: "POST", headers, agent: false }, (answer) => {
        answer.resume().once("close", () => resolve(answer.statusCode ?? 0));
      });
      asked.once("error", () => resolve(0)).end(body);
    });
  return Promise.all(Array.from({ length: clients }, one));
}

/** A protobuf field of bytes. */
export function field(number: number, bytes: Uint8Array): Buffer {
  const head = [number * 8 + 2];
  let length = bytes.length;
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) + 128);
  return Buffer.concat([Buffer.from([...head, length]), bytes]);
}

export const empty = Buffer.alloc(0);

/** This many bytes of the same piece repeated. */
export function filled(bytes: number, piece: Buffer): Buffer {
  return Buffer.alloc(bytes - (bytes % piece.length), piece);
}

export function attribute(key: string, value: string): Buffer {
  return field(1, Buffer.concat([field(1, Buffer.from(key)), field(2, field(1, Buffer.from(value)))]));
}

/** `resource_logs { scope_logs { log_records { body { string_value: "hello" } } } }` */
export const hello = field(1, field(2, field(2, field(5, field(1, Buffer.from("hello"))))));

/** Fails if a correct exporter, which retries as told, is not served for long. */
export async function expectTaken(target: Target): Promise<void> {
  const until = performance.now() + 20_000;
  let statuses: number[] = [];
  while (performance.now() < until) {
    statuses = await post(target, "/v1/logs", hello);
    if (statuses[0] === 200) return;
    await seconds(1);
  }
  throw new Error(`an exporter that does nothing wrong was answered with ${statuses}`);
}
