import { hostname } from "node:os";
import { expect, test } from "vitest";
import { type LineForm, traceOf } from "../../src/pino/line-trace.js";

const form: LineForm = { namespace: "shop", severities: {}, labels: {}, messageKey: "msg" };

test.each([
  [10, "Debug"],
  [20, "Debug"],
  [29, "Debug"],
  [30, "Info"],
  [39, "Info"],
  [40, "Warning"],
  [50, "Error"],
  [60, "Critical"],
  [99, "Critical"],
  ["warn", "Warning"],
  ["FATAL", "Critical"],
  ["unheard of", "Info"],
  [undefined, "Info"],
] as const)("the level %s is the severity %s", (level, severity) => {
  expect(traceOf({ level }, form).severity).toBe(severity);
});

test("a program's own levels have the severities it assigns, by label or number", () => {
  const own: LineForm = { ...form, severities: { notice: "Notice", 70: "Alert" }, labels: { 35: "notice" } };
  expect(traceOf({ level: 35 }, own).severity).toBe("Notice");
  expect(traceOf({ level: "notice" }, own).severity).toBe("Notice");
  expect(traceOf({ level: 70 }, own).severity).toBe("Alert");
  expect(traceOf({ level: 60 }, own).severity).toBe("Critical");
});

test("the known fields of a line become fields of the object, and the rest becomes its data", () => {
  const line = {
    level: 30,
    time: 1_771_234_201_120,
    pid: 7,
    hostname: hostname(),
    name: "orders",
    id: 17,
    msg: "placed",
  };
  expect(traceOf(line, form)).toEqual({
    namespace: "orders",
    severity: "Info",
    at: 1_771_234_201_120,
    thread: "7",
    human: "placed",
    data: { id: 17, msg: "placed" },
  });
});

test.each([
  [{}, undefined, "shop"],
  [{ name: "orders" }, undefined, "orders"],
  [{ name: "orders" }, "Shop", "Shop.orders"],
  [{}, "Shop", "Shop"],
  [{ name: "orders", ns: "Shop.Stock" }, "Elsewhere", "Shop.Stock"],
])("for %o with prefix %s the namespace is %s", (line, prefix, namespace) => {
  expect(traceOf(line, { ...form, prefix }).namespace).toBe(namespace);
});

test("a line can set its own severity and details", () => {
  const trace = traceOf({ level: 30, severity: "Emergency", details: "DMaximum", kind: "X" }, form);
  expect(trace).toMatchObject({ severity: "Emergency", details: "DMaximum" });
  expect(trace.data).toEqual({ kind: "X" });
});

test("fields with unusable values stay in the data", () => {
  const line = {
    level: 30,
    time: "yesterday",
    pid: "seven",
    hostname: "far",
    ns: 3,
    severity: "High",
    details: 1,
    name: 4,
  };
  const trace = traceOf(line, form);
  const { level: _, ...data } = line;
  expect(trace).toEqual({ namespace: "shop", severity: "Info", data });
});

test("an ISO 8601 time is used, and one outside the range of dates is ignored", () => {
  expect(traceOf({ time: "2026-02-16T09:30:01.120Z" }, form).at).toBe(1_771_234_201_120);
  expect(traceOf({ time: 1e300 }, form).at).toBeUndefined();
});

test("the message is read from the key that the logger uses", () => {
  expect(traceOf({ message: "hello", msg: 3 }, { ...form, messageKey: "message" })).toMatchObject({
    human: "hello",
    data: { message: "hello", msg: 3 },
  });
});
