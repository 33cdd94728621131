import { once } from "node:events";
import { connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { certificateFile } from "../../transport/certificates.js";
import type { Attack } from "../attack.js";
import { otlpConfig as config, empty, expectTaken, filled, hello, servedAt } from "../otlp-client.js";
import { withClients } from "./http.js";
import { seconds } from "./metrics.js";

const tls = {
  certificateFile: certificateFile("server"),
  certificateKeyFile: certificateFile("server-key"),
};

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
/** `:method: POST`; more headers follow. */
const headers = frame(1, 0, 1, Buffer.from([0x83]));
/** A header not stored in HPACK's table: `a: b`. */
const header = Buffer.from([0, 1, 97, 1, 98]);

/** A connection's first bytes, and those it then sends repeatedly. */
const frames: Readonly<Record<string, readonly [begin: Buffer, again: Buffer]>> = {
  "empty settings": [settings, settings],
  "changing settings": [settings, frame(4, 0, 0, Buffer.from("000400000001000400010000", "hex"))],
  pings: [settings, frame(6, 0, 0, Buffer.alloc(8))],
  "header continuations": [Buffer.concat([settings, headers]), frame(9, 0, 1, header)],
  "empty continuations": [Buffer.concat([settings, headers]), frame(9, 0, 1)],
  "priorities of absent streams": [settings, frame(2, 0, 3, Buffer.alloc(5))],
};

const exportPath = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
/** The headers of a call, in HPACK's form. */
const exportHeaders = Buffer.concat([
  Buffer.from([0x83, 0x86, 0x04, exportPath.length]),
  Buffer.from(exportPath),
  Buffer.from([0x01, 1, 104, 0x0f, 0x10, 16]),
  Buffer.from("application/grpc"),
]);

/** Attacks by OTLP clients' connections. */
export const otlpConnections: readonly Attack[] = [
  {
    name: "gRPC calls that are reset at once",
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
              ":path": exportPath,
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
  ...Object.entries(frames).map(
    ([what, [begin, again]]): Attack => ({
      name: `HTTP/2 connections that send endless ${what}`,
      config,
      run: async (target) => {
        const [host, port] = (await servedAt(target, "otlpGrpc")).split(":");
        // A thousand at once end the connection.
        const piece = filled(500 * again.length, again);
        const until = performance.now() + target.pick(2, 10) * 1_000;
        const flood = async () => {
          const socket = connectTcp(Number(port), host);
          // Answers are read: a client that reads nothing is recognised too easily.
          socket.on("error", () => {}).resume();
          socket.write(Buffer.concat([preface, begin]));
          while (performance.now() < until && !socket.destroyed) {
            if (socket.write(piece)) await seconds(0.01);
            else
              await Promise.race([once(socket, "drain"), once(socket, "close"), seconds(0.5)]).catch(
                () => {},
              );
          }
          socket.destroy();
        };
        const floods = Array.from({ length: target.pick(4, 20) }, async () => {
          while (performance.now() < until) await flood();
        });
        await Promise.all(floods);
      },
      counted: [
        /^muninn_otlp_in_connections_closed_total\{transport="grpc",reason="(too-many-frames|http2-error)"\}/,
      ],
      said: ["otlp_connection_closed"],
    }),
  ),
  ...[false, true].map(
    (isSecure): Attack => ({
      name: `clients of OTLP that reset their connections at every step${isSecure ? ", over TLS" : ""}`,
      config: isSecure ? { muninn: { otlp: { ...config.muninn.otlp, tls } } } : config,
      run: async (target) => {
        const texts = [
          "",
          "P",
          preface.subarray(0, 20),
          preface,
          Buffer.concat([preface, settings, headers]),
        ];
        for (const name of ["otlp", "otlpGrpc"] as const) {
          const [host, port] = (await servedAt(target, name)).split(":");
          const visits = texts.flatMap((text) => Array.from({ length: target.pick(5, 200) }, () => text));
          await Promise.all(
            visits.map(async (text) => {
              const socket = connectTcp(Number(port), host).on("error", () => {});
              const stream = isSecure
                ? connectTls({ socket, rejectUnauthorized: false }).on("error", () => {})
                : socket;
              const isOpen = once(stream, isSecure ? "secureConnect" : "connect");
              await Promise.race([isOpen, seconds(5)]).catch(() => {});
              if (text.length > 0) stream.write(text);
              await seconds(0.1);
              socket.resetAndDestroy();
            }),
          );
        }
        if (!isSecure) await expectTaken(target);
      },
    }),
  ),
  {
    name: "gRPC calls that stay open",
    config,
    run: async (target) => {
      const [host, port] = (await servedAt(target, "otlpGrpc")).split(":");
      const calls = Array.from({ length: 100 }, (_, n) => frame(1, 4, 2 * n + 1, exportHeaders));
      const bytes = Buffer.concat([preface, settings, ...calls]);
      await withClients(`${host}:${port}`, target.pick(30, 1_000), bytes, async () => {
        await seconds(target.pick(2, 5));
        await expectTaken(target);
      });
    },
    counted: [/^muninn_otlp_in_answers_total\{transport="grpc",status="14"\}/],
  },
  {
    name: "gRPC calls whose compressed headers expand a thousand times",
    config,
    run: async (target) => {
      const [host, port] = (await servedAt(target, "otlpGrpc")).split(":");
      // One header of 4,000 bytes for HPACK's table, and then thousands of one-byte references to it.
      const value = Buffer.from([0x40, 1, 97, 127, 0xa1, 0x1e, ...Buffer.alloc(4_000, "x")]);
      const bomb = Buffer.concat([exportHeaders, value, Buffer.alloc(12_000, 0xbe)]);
      const calls = Array.from({ length: 100 }, (_, n) => frame(1, 4, 2 * n + 1, bomb));
      const bytes = Buffer.concat([preface, settings, ...calls]);
      await withClients(`${host}:${port}`, target.pick(10, 100), bytes, () => seconds(2));
    },
  },
  {
    name: "many clients that each send thousands of OTLP requests at once",
    config,
    run: async (target) => {
      const address = await servedAt(target, "otlp");
      const pieces = [
        requestOf("Content-Length: 0\r\n", ""),
        requestOf("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        "GET /elsewhere HTTP/1.1\r\nHost: h\r\n\r\n",
      ];
      await Promise.all(
        pieces.map((piece) =>
          withClients(address, target.pick(10, 300), piece.repeat(3_000), () => seconds(target.pick(2, 5))),
        ),
      );
      await expectTaken(target);
    },
  },
  {
    name: "OTLP bodies in chunks of one byte",
    config,
    run: async (target) => {
      const body = `1\r\nx\r\n`.repeat(target.pick(100_000, 1_000_000));
      const text = requestOf("Transfer-Encoding: chunked\r\n", body);
      await withClients(await servedAt(target, "otlp"), target.pick(8, 50), text, async () => {
        await seconds(target.pick(2, 10));
        await expectTaken(target);
      });
    },
  },
  {
    name: "OTLP clients that send nothing, or stop sending",
    // Few enough to leave places for 64 clients of each server.
    under: ["prlimit", "--nofile=2048:2048"],
    config,
    run: async (target) => {
      const grpc = Buffer.concat([preface, settings]);
      const [http, http2] = [await servedAt(target, "otlp"), await servedAt(target, "otlpGrpc")];
      await withClients(http, 70, requestOf("Content-Length: 0\r\n", ""), () =>
        withClients(http, 70, "", () =>
          withClients(http2, 70, "", () =>
            withClients(http2, 70, grpc, async () => {
              await seconds(1);
              await expectTaken(target);
              await expectCalled(http2);
            }),
          ),
        ),
      );
    },
    counted: [
      /^muninn_otlp_in_connections_closed_total\{transport="http",reason="gave-way"\}/,
      /^muninn_otlp_in_connections_closed_total\{transport="grpc",reason="gave-way"\}/,
    ],
    said: ["otlp_connection_closed"],
  },
  {
    name: "slow OTLP bodies from more clients than there are places for",
    under: ["prlimit", "--nofile=2048:2048"],
    config,
    run: async (target) => {
      const begun = requestOf("Content-Length: 1000000\r\n", "x");
      await withClients(await servedAt(target, "otlp"), 100, begun, async (clients) => {
        const drip = setInterval(() => {
          for (const client of clients) client.write("x");
        }, 100);
        await seconds(1);
        await expectTaken(target);
        clearInterval(drip);
      });
    },
  },
  {
    name: "OTLP bodies that stop before their end",
    config: { muninn: { ...config.muninn, maxInFlightBytes: "32MiB" } },
    run: async (target) => {
      const begun = requestOf("Content-Length: 1000000\r\n", "x".repeat(600_000));
      await withClients(await servedAt(target, "otlp"), target.pick(40, 400), begun, async () => {
        await seconds(1);
        await expectTaken(target);
      });
    },
    counted: [/^muninn_otlp_in_answers_total\{transport="http",status="(429|503)"\}/],
  },
];

function requestOf(headers: string, body: string): string {
  return `POST /v1/logs HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n${headers}\r\n${body}`;
}

/** Fails if a gRPC call is not answered soon. */
async function expectCalled(address: string): Promise<void> {
  const session = connect(`http://${address}`);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": exportPath,
    "content-type": "application/grpc",
  });
  stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, hello.length]), hello]));
  const [trailers] = await once(stream.resume(), "trailers", { signal: AbortSignal.timeout(20_000) });
  session.destroy();
  if (trailers["grpc-status"] !== "0") throw new Error(`gRPC status ${trailers["grpc-status"]}`);
}
