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
] as const)("level %s is %s", (level, severity) => {
  expect(traceOf({ level }, form).severity).toBe(severity);
});

test("levels of the program's own have the severity that it gives them, by label or number", () => {
  const own: LineForm = { ...form, severities: { notice: "Notice", 70: "Alert" }, labels: { 35: "notice" } };
  expect(traceOf({ level: 35 }, own).severity).toBe("Notice");
  expect(traceOf({ level: "notice" }, own).severity).toBe("Notice");
  expect(traceOf({ level: 70 }, own).severity).toBe("Alert");
  expect(traceOf({ level: 60 }, own).severity).toBe("Critical");
});

test("a usual line's fields have places of their own, and all else is data", () => {
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
])("the namespace of %o with prefix %s is %s", (line, prefix, namespace) => {
  expect(traceOf(line, { ...form, prefix }).namespace).toBe(namespace);
});

test("a line can decide on its severity and details itself", () => {
  const trace = traceOf({ level: 30, severity: "Emergency", details: "DMaximum", kind: "X" }, form);
  expect(trace).toMatchObject({ severity: "Emergency", details: "DMaximum" });
  expect(trace.data).toEqual({ kind: "X" });
});

test("what cannot be used as it is meant stays in the data", () => {
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

test("a time in ISO 8601 is a time, and one beyond all dates is none", () => {
  expect(traceOf({ time: "2026-02-16T09:30:01.120Z" }, form).at).toBe(1_771_234_201_120);
  expect(traceOf({ time: 1e300 }, form).at).toBeUndefined();
});

test("the text is where the logger puts it", () => {
  expect(traceOf({ message: "hello", msg: 3 }, { ...form, messageKey: "message" })).toMatchObject({
    human: "hello",
    data: { message: "hello", msg: 3 },
  });
});
