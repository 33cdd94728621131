import protobuf from "protobufjs";

/**
 * The part of OpenTelemetry's logs and metrics that is used here, with the field numbers of opentelemetry-proto 1.9. Texts are not
 * checked for valid UTF-8: what a peer sent is passed on, or its bad bytes are replaced. Fields of a `oneof` are declared like
 * others, which is the same on the wire and takes less time.
 */
const definitions = `
edition = "2023";
option features.utf8_validation = NONE;
message LogsRequest { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; }
message Scope { string name = 1; string version = 2; }
message LogRecord {
  fixed64 time_unix_nano = 1;
  int32 severity_number = 2;
  string severity_text = 3;
  AnyValue body = 5;
  repeated KeyValue attributes = 6;
  Id trace_id = 9;
  Id span_id = 10;
  fixed64 observed_time_unix_nano = 11;
  string event_name = 12;
}
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  string string_value = 1;
  bool bool_value = 2;
  int64 int_value = 3;
  double double_value = 4;
  ArrayValue array_value = 5;
  KeyValueList kvlist_value = 6;
  bytes bytes_value = 7;
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message MetricsRequest { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message ScopeMetrics { repeated Metric metrics = 2; }
message Metric {
  string name = 1;
  Gauge gauge = 5;
  Sum sum = 7;
  Others histogram = 9;
  Others exponential_histogram = 10;
  Others summary = 11;
}
message Gauge { repeated NumberPoint data_points = 1; }
message Sum { repeated NumberPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Others { repeated OtherPoint data_points = 1; }
message OtherPoint { }
message NumberPoint {
  repeated KeyValue attributes = 7;
  double as_double = 4;
  sfixed64 as_int = 6;
  uint32 flags = 8;
}
message LogsResponse { LogsPartialSuccess partial_success = 1; }
message LogsPartialSuccess { int64 rejected_log_records = 1; string error_message = 2; }
message MetricsResponse { MetricsPartialSuccess partial_success = 1; }
message MetricsPartialSuccess { int64 rejected_data_points = 1; string error_message = 2; }
message Status { int32 code = 1; string message = 2; }
`;

/** Deepest nesting of lists and maps: with the messages around them, the 100 nested messages that protobufjs reads. */
export const deepestValue = 30;

/** Ids of traces and spans: in JSON they are hexadecimal texts; everything else is as in protobuf's JSON. */
const known: Readonly<Record<string, string>> = { Id: "bytes" };

/**
 * The types, with some fields declared as bytes: on the wire, texts and messages are the same as bytes, so what is already
 * encoded, or read later, needs no second copy and no string.
 */
export function otlpTypes(declared: Readonly<Record<string, "bytes" | "string">>): protobuf.Root {
  const text = definitions.replace(/\b(\w+)(?= \w+ = )/g, (type) => declared[type] ?? known[type] ?? type);
  return protobuf.parse(text).root;
}
