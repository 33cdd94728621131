import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { gzipSync } from "node:zlib";
import type { Attack, Target } from "../attack.js";
import { seconds } from "./metrics.js";

const config = { muninn: { otlp: { host: "127.0.0.1", port: 0, grpcPort: 0 } } };
const protobuf = "application/x-protobuf";

async function servedAt({ daemon }: Target, name: "otlp" | "otlpGrpc"): Promise<string> {
  const { served } = (await daemon.logged("started")) as unknown as { served: Record<string, string> };
  return served[name]!;
}

/** Sends a body from several clients at the same time; resolves with the statuses of the answers. */
async function post(
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

/** A field of protobuf with bytes inside. */
function field(number: number, bytes: Uint8Array): Buffer {
  const head = [number * 8 + 2];
  let length = bytes.length;
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) + 128);
  return Buffer.concat([Buffer.from([...head, length]), bytes]);
}

const empty = Buffer.alloc(0);

/** So many bytes of the same piece again and again. */
function filled(bytes: number, piece: Buffer): Buffer {
  return Buffer.alloc(bytes - (bytes % piece.length), piece);
}

function attribute(key: string, value: string): Buffer {
  return field(1, Buffer.concat([field(1, Buffer.from(key)), field(2, field(1, Buffer.from(value)))]));
}

/** A request of resources with gauges that no other request has. */
function gaugesOf(request: number, resources: number, gauges: number): Buffer {
  const point = field(1, Buffer.from("310100000000000000", "hex"));
  const list = Array.from({ length: gauges }, (_, n) =>
    field(2, Buffer.concat([field(1, Buffer.from(`${n}`.padEnd(240, "_"))), field(5, point)])),
  );
  const scope = field(2, Buffer.concat(list));
  return Buffer.concat(
    Array.from({ length: resources }, (_, n) =>
      field(1, Buffer.concat([field(1, attribute("service.name", `many-${request}-${n}`)), scope])),
    ),
  );
}

/** A peer may bring a thousand new names at once, and each node that comes has its line. */
const aLineForEachName = { logBytes: 4 * 1_024 * 1_024 };

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

function frame(type: number, flags: number, stream: number, payload: Uint8Array = empty): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const settings = frame(4, 0, 0);
/** `:method: POST`, of which more headers follow. */
const headers = frame(1, 0, 1, Buffer.from([0x83]));
/** A header that is not kept in HPACK's table: `a: b`. */
const header = Buffer.from([0, 1, 97, 1, 98]);

/** What a connection begins with, and then sends again and again. */
const frames: Readonly<Record<string, readonly [begin: Buffer, again: Buffer]>> = {
  "empty settings": [settings, settings],
  "settings that change": [settings, frame(4, 0, 0, Buffer.from("000400000001000400010000", "hex"))],
  pings: [settings, frame(6, 0, 0, Buffer.alloc(8))],
  "continuations of headers": [Buffer.concat([settings, headers]), frame(9, 0, 1, header)],
  "empty continuations": [Buffer.concat([settings, headers]), frame(9, 0, 1)],
  "priorities of streams that are not there": [settings, frame(2, 0, 3, Buffer.alloc(5))],
};

/** What clients of OTLP may do. */
export const otlp: readonly Attack[] = [
  {
    name: "millions of resources that are empty",
    config,
    run: async (target) => {
      const body = filled(target.pick(4, 19) * 2 ** 20, field(1, empty));
      await post(target, "/v1/logs", body, { clients: target.pick(2, 8) });
      await post(target, "/v1/metrics", body, { clients: target.pick(2, 8) });
    },
  },
  {
    name: "millions of records that are empty, packed",
    config,
    run: async (target) => {
      const records = filled(target.pick(4, 19) * 2 ** 20, field(2, empty));
      const body = gzipSync(field(1, field(2, records)));
      await post(target, "/v1/logs", body, { clients: target.pick(2, 16), gzip: true });
    },
  },
  {
    name: "a record with millions of attributes",
    config,
    run: async (target) => {
      const attributes = filled(target.pick(4, 19) * 2 ** 20, field(6, empty));
      const body = field(1, field(2, field(2, attributes)));
      await post(target, "/v1/logs", body, { clients: target.pick(2, 8) });
    },
  },
  {
    name: "metrics with millions of points",
    config,
    run: async (target) => {
      const points = filled(target.pick(4, 19) * 2 ** 20, field(1, empty));
      const gauge = field(5, points);
      const body = field(1, field(2, field(2, Buffer.concat([field(1, Buffer.from("many")), gauge]))));
      await post(target, "/v1/metrics", body, { clients: target.pick(2, 8) });
    },
  },
  {
    name: "JSON of millions of lists",
    config,
    run: async (target) => {
      const lists = filled(target.pick(4, 19) * 2 ** 20, Buffer.from("{},"));
      const body = Buffer.concat([Buffer.from('{"resourceLogs":['), lists, Buffer.from("{}]}")]);
      await post(target, "/v1/logs", body, { clients: target.pick(2, 8), type: "application/json" });
    },
  },
  {
    name: "values nested ten thousand deep",
    config,
    run: async (target) => {
      let value: Buffer = empty;
      for (let depth = 0; depth < 10_000; depth += 1) value = field(5, field(1, value));
      const body = field(1, field(2, field(2, field(5, value))));
      await post(target, "/v1/logs", body, { clients: 8 });
    },
  },
  {
    name: "bodies that unpack to a thousand times their size",
    config,
    run: async (target) => {
      const body = gzipSync(Buffer.alloc(target.pick(64, 512) * 2 ** 20));
      await post(target, "/v1/logs", body, { clients: target.pick(16, 64), gzip: true });
    },
  },
  {
    name: "calls of gRPC that are reset at once",
    config,
    run: async (target) => {
      const address = await servedAt(target, "otlpGrpc");
      const sessions = Array.from({ length: target.pick(5, 50) }, () => connect(`http://${address}`));
      for (const session of sessions) session.on("error", () => {});
      const until = performance.now() + target.pick(2, 10) * 1_000;
      while (performance.now() < until) {
        for (const session of sessions) {
          if (session.closed || session.destroyed) continue;
          for (let call = 0; call < 50; call += 1) {
            const stream = session.request({
              ":method": "POST",
              ":path": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
              "content-type": "application/grpc",
            });
            stream.on("error", () => {});
            stream.close(8);
          }
        }
        await seconds(0.01);
      }
      for (const session of sessions) session.destroy();
    },
  },
  {
    name: "metrics of thousands of resources, with names as long as may be",
    config: { muninn: { ...config.muninn, maxInFlightBytes: "32MiB" } },
    run: async (target) => {
      const requests = target.pick(10, 100);
      for (let request = 0; request < requests; request += 1)
        await post(target, "/v1/metrics", gaugesOf(request, 50, 500));
    },
    bounds: aLineForEachName,
    counted: [/^muninn_otlp_in_rejected_total\{signal="metrics"\}/],
  },
  {
    name: "metrics of more resources than there may be nodes",
    config,
    bounds: aLineForEachName,
    run: async (target) => {
      await post(target, "/v1/metrics", gaugesOf(0, target.pick(2_000, 10_000), 1));
    },
  },
  {
    name: "records of many hosts",
    config,
    run: async (target) => {
      const record = field(2, field(2, field(5, field(1, Buffer.from("hello")))));
      const resources = Array.from({ length: 30_000 }, (_, n) =>
        field(1, Buffer.concat([field(1, attribute("host.name", `${n}`)), record])),
      );
      await post(target, "/v1/logs", Buffer.concat(resources), { clients: target.pick(2, 8) });
    },
  },
  ...Object.entries(frames).map(
    ([what, [begin, again]]): Attack => ({
      name: `HTTP/2: ${what} without end`,
      config,
      run: async (target) => {
        const [host, port] = (await servedAt(target, "otlpGrpc")).split(":");
        // A thousand that come at once end the connection.
        const piece = filled(500 * again.length, again);
        const clients = Array.from({ length: target.pick(4, 20) }, async () => {
          const socket = connectTcp(Number(port), host);
          // What comes back is read: a client that reads nothing is told apart too easily.
          socket.on("error", () => {}).resume();
          socket.write(Buffer.concat([preface, begin]));
          const until = performance.now() + target.pick(2, 10) * 1_000;
          while (performance.now() < until && !socket.destroyed) {
            if (socket.write(piece)) await seconds(0.01);
            else
              await Promise.race([once(socket, "drain"), once(socket, "close"), seconds(0.5)]).catch(
                () => {},
              );
          }
          socket.destroy();
        });
        await Promise.all(clients);
      },
    }),
  ),
];
