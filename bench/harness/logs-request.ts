import protobuf from "protobufjs";

export type Encoding = "protobuf" | "json";

const { root } = protobuf.parse(`
syntax = "proto3";
message Request { repeated ResourceLogs resourceLogs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scopeLogs = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeLogs { Scope scope = 1; repeated LogRecord logRecords = 2; }
message Scope { string name = 1; }
message LogRecord {
  fixed64 timeUnixNano = 1; int32 severityNumber = 2; string severityText = 3;
  AnyValue body = 5; repeated KeyValue attributes = 6; fixed64 observedTimeUnixNano = 11;
}
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string stringValue = 1; int64 intValue = 3; } }
`);

/** Text of a record: with its attributes and the rest about as long as a trace object. */
const bodyBytes = 100;

/** An export request as SDKs send it, with one resource and this many records. */
export function logsRequest(encoding: Encoding, service: string, records: number): Uint8Array {
  const time = "1771234201120000001";
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const logRecords = Array.from({ length: records }, (_, n) => ({
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: 9,
    severityText: "INFO",
    body: { stringValue: `${n} `.padEnd(bodyBytes, "a line of a log ") },
    attributes: [
      text("http.request.method", "GET"),
      text("url.path", "/basket"),
      { key: "http.response.status_code", value: { intValue: "200" } },
    ],
  }));
  const scopeLogs = [{ scope: { name: "Shop" }, logRecords }];
  const json = { resourceLogs: [{ resource: { attributes: [text("service.name", service)] }, scopeLogs }] };
  if (encoding === "json") return Buffer.from(JSON.stringify(json));
  const type = root.lookupType("Request");
  return type.encode(type.fromObject(json)).finish();
}
