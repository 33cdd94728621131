import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions, Server as TlsServer } from "node:https";
import { TLSSocket } from "node:tls";
import { gunzipSync } from "node:zlib";
import protobuf from "protobufjs";

// Written after opentelemetry-proto 1.9, with texts as texts, so that it shares nothing with the code it checks.
const schema = `
syntax = "proto3";
message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message ScopeLogs { InstrumentationScope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
message InstrumentationScope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
message LogRecord {
  fixed64 time_unix_nano = 1; fixed64 observed_time_unix_nano = 11; int32 severity_number = 2; string severity_text = 3;
  AnyValue body = 5; repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7; fixed32 flags = 8;
  bytes trace_id = 9; bytes span_id = 10; string event_name = 12;
}
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value {
  string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
  ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; } }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message ExportLogsServiceResponse { ExportLogsPartialSuccess partial_success = 1; }
message ExportLogsPartialSuccess { int64 rejected_log_records = 1; string error_message = 2; }
`;
const { root } = protobuf.parse(schema, { keepCase: true });
const requestType = root.lookupType("ExportLogsServiceRequest");
const responseType = root.lookupType("ExportLogsServiceResponse");

export interface Received {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly records: readonly Record<string, unknown>[];
  readonly headers: IncomingMessage["headers"];
}

export type Behave = (response: ServerResponse, received: Received) => void;

/** A collector in this process that the test controls, request by request. */
export class TestCollector implements AsyncDisposable {
  readonly requests: Received[] = [];
  /** How it handles the next requests; later ones are accepted. */
  readonly next: Behave[] = [];
  readonly #server: Server;
  /** Requests in flight now, and the most so far. */
  underWay = 0;
  mostUnderWay = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Uses TLS if options for a TLS server are given. */
  static async open(tls?: ServerOptions): Promise<TestCollector> {
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    const collector = new TestCollector(server);
    server.on("request", (request, response) => void collector.#serve(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return collector;
  }

  get url(): string {
    const { port } = this.#server.address() as { port: number };
    return this.#server instanceof TlsServer
      ? `https://localhost:${port}/v1/logs`
      : `http://127.0.0.1:${port}/v1/logs`;
  }

  /** Requests with a client certificate. */
  certificates = 0;
  /** The texts of all accepted records, in the order of arrival. */
  readonly bodies: string[] = [];

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    response.once("close", () => {
      this.underWay -= 1;
    });
    const { socket } = request;
    if (socket instanceof TLSSocket && socket.getPeerX509Certificate() !== undefined) this.certificates += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    const bytes = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
    const decoded = requestType.toObject(requestType.decode(bytes), { longs: String, defaults: false });
    const [logs] = decoded.resource_logs;
    const received = {
      resource: attributesOf(logs.resource?.attributes),
      records: (logs.scope_logs ?? []).flatMap(
        (scope: { log_records?: unknown[] }) => scope.log_records ?? [],
      ),
      headers: request.headers,
    };
    this.requests.push(received);
    (this.next.shift() ?? take())(response, received);
    if (response.statusCode !== 200 || !response.writableEnded) return;
    for (const { body } of received.records)
      this.bodies.push((body as { string_value: string }).string_value);
  }
}

export function attributesOf(
  attributes: readonly { key: string; value: Record<string, unknown> }[] = [],
): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

/** Accepts a request, or claims to have rejected this many of its records. */
export function take(rejected?: number, message = ""): Behave {
  return (response) => {
    const partial =
      rejected === undefined
        ? {}
        : { partial_success: { rejected_log_records: rejected, error_message: message } };
    response.setHeader("content-type", "application/x-protobuf");
    response.end(responseType.encode(responseType.fromObject(partial)).finish());
  };
}

export function refuse(status: number, headers: Record<string, string> = {}): Behave {
  return (response) => {
    response.writeHead(status, headers);
    response.end("no");
  };
}

/** Reads the request and closes without an answer. */
export function hangUp(): Behave {
  return (response) => response.socket?.destroy();
}
