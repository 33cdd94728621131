import { readdir } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { Attack } from "../attack.js";
import { attribute, otlpConfig as config, empty, field, filled, post } from "../otlp-client.js";

/** A request with resources whose gauges are in no other request. */
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

/** An address may bring a thousand new names at once, and each new node causes a log line. */
const aLineForEachName = { logBytes: 4 * 1_024 * 1_024 };

/** Attacks by OTLP requests. */
export const otlp: readonly Attack[] = [
  {
    name: "millions of empty resources",
    config,
    run: async (target) => {
      const body = filled(target.pick(4, 19) * 2 ** 20, field(1, empty));
      await post(target, "/v1/logs", body, { clients: target.pick(2, 8) });
      await post(target, "/v1/metrics", body, { clients: target.pick(2, 8) });
    },
  },
  {
    name: "millions of empty records, compressed",
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
    name: "JSON with millions of lists",
    config,
    run: async (target) => {
      const lists = filled(target.pick(4, 19) * 2 ** 20, Buffer.from("{},"));
      const body = Buffer.concat([Buffer.from('{"resourceLogs":['), lists, Buffer.from("{}]}")]);
      await post(target, "/v1/logs", body, { clients: target.pick(2, 8), type: "application/json" });
    },
  },
  {
    name: "many JSON records with as many values as are allowed",
    config,
    run: async (target) => {
      const record = `{"attributes":[${"{},".repeat(49_000)}{}]}`;
      const records = Array.from({ length: target.pick(20, 120) }, () => record).join(",");
      const body = Buffer.from(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[${records}]}]}]}`);
      await post(target, "/v1/logs", body, { clients: target.pick(2, 8), type: "application/json" });
    },
  },
  ...[
    { what: "ASCII", text: "x" },
    { what: "other characters", text: "\u{1d11e}" },
    { what: "quotes", text: '"' },
  ].flatMap(({ what, text }): Attack[] => [
    {
      name: `a record of the largest allowed size, made of ${what}`,
      config,
      run: async (target) => {
        const long = filled(target.pick(4, 16) * 2 ** 20 - 1_000, Buffer.from(text));
        const body = field(1, field(2, field(2, field(5, field(1, long)))));
        await post(target, "/v1/logs", body, { clients: target.pick(2, 8) });
      },
    },
    {
      name: `a JSON record of the largest allowed size, made of ${what}`,
      config,
      run: async (target) => {
        const long = JSON.stringify(text)
          .slice(1, -1)
          .repeat(target.pick(2, 16) * 2 ** 18 - 1_000);
        const record = `{"body":{"stringValue":"${long}"}}`;
        const body = Buffer.from(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[${record}]}]}]}`);
        await post(target, "/v1/logs", body, { clients: target.pick(2, 8), type: "application/json" });
      },
    },
  ]),
  {
    name: "a host, scope or service with a name of megabytes",
    config,
    run: async (target) => {
      const name = "x".repeat(target.pick(1, 4) * 2 ** 20);
      const records = filled(target.pick(20_000, 90_000) * 2, field(2, empty));
      const scope = field(1, field(1, Buffer.from(name)));
      for (const key of ["service.name", "host.name", "service.instance.id", "service.version"]) {
        const resource = (n: number) =>
          field(1, Buffer.concat([attribute("k", `${n}`), attribute(key, `${n}${name}`)]));
        const bodies = Array.from({ length: target.pick(2, 8) }, (_, n) =>
          field(1, Buffer.concat([resource(n), field(2, records)])),
        );
        await Promise.all(bodies.map((body) => post(target, "/v1/logs", body)));
        await post(target, "/v1/metrics", field(1, Buffer.concat([resource(0), field(2, field(2, empty))])));
      }
      const named = field(1, field(2, Buffer.concat([scope, records])));
      await post(target, "/v1/logs", named, { clients: target.pick(2, 8) });
    },
    counted: [/^muninn_otlp_in_rejected_total\{signal="logs"\}/],
  },
  {
    name: "JSON lists nested without end",
    config,
    run: async (target) => {
      const nested = "[".repeat(target.pick(4, 19) * 2 ** 20);
      const bodies = [nested, `{"resourceLogs":${nested}`, `{"resourceLogs":[{"resource":${nested}`];
      for (const body of bodies)
        await post(target, "/v1/logs", Buffer.from(body), { clients: 4, type: "application/json" });
    },
  },
  {
    name: "values nested ten thousand levels deep",
    config,
    run: async (target) => {
      let value: Buffer = empty;
      for (let depth = 0; depth < 10_000; depth += 1) value = field(5, field(1, value));
      const body = field(1, field(2, field(2, field(5, value))));
      await post(target, "/v1/logs", body, { clients: 8 });
    },
  },
  {
    name: "bodies that decompress to a thousand times their size",
    config,
    run: async (target) => {
      const body = gzipSync(Buffer.alloc(target.pick(64, 512) * 2 ** 20));
      await post(target, "/v1/logs", body, { clients: target.pick(16, 64), gzip: true });
    },
  },
  {
    name: "metrics of thousands of resources, with the longest allowed names",
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
    name: "metrics of more resources than nodes are allowed",
    config,
    bounds: aLineForEachName,
    run: async (target) => {
      await post(target, "/v1/metrics", gaugesOf(0, target.pick(2_000, 10_000), 1));
    },
  },
  {
    name: "records of endless new resources",
    onlyWhole: true,
    config,
    bounds: aLineForEachName,
    run: async (target) => {
      const record = field(2, field(2, field(5, field(1, Buffer.from("hello")))));
      for (let request = 0; request < target.pick(2, 20); request += 1) {
        const resources = Array.from({ length: 2_000 }, (_, n) =>
          field(1, Buffer.concat([field(1, attribute("service.name", `new-${request}-${n}`)), record])),
        );
        await post(target, "/v1/logs", Buffer.concat(resources));
      }
      const directories = await readdir(target.place.logRoot);
      // A thousand at once, one a second after that, and the healthy node's.
      if (directories.length > 1_150) throw new Error(`${directories.length} directories were made`);
    },
    counted: [/^muninn_otlp_in_rejected_total\{signal="logs"\}/],
    said: ["otlp_rejected_in"],
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
];
