import { once } from "node:events";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { eventually } from "../../src/testing/eventually.js";
import type { FilesOverview, NodeDetails, Overview } from "../../src/ui/answers.js";
import { addressOf, nodeWith, tracerWithPage, Watcher } from "./pages.js";

async function json<Answer>(url: string): Promise<Answer> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

test("the page is one file of at most 60 KB gzipped that loads nothing else, and its policy forbids everything else", async () => {
  await using tracer = await tracerWithPage();
  const response = await fetch(`${addressOf(tracer)}/`);
  const html = await response.text();
  expect(gzipSync(html).length).toBeLessThanOrEqual(60_000);
  expect(html).not.toMatch(/<(?:script|link|img)[^>]+(?:src|href)="(?!data:,")/);
  const policy = response.headers.get("content-security-policy")!;
  expect(policy).toMatch(
    /default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; connect-src 'self'/,
  );
  expect(policy).not.toContain("unsafe");
});

test("the overview has nodes with version, rate and severities, health, totals, disks and handles", async () => {
  await using tracer = await tracerWithPage();
  const node = await nodeWith(tracer, "relay-1", 30);
  await eventually(async () => {
    const overview = await json<Overview>(`${addressOf(tracer)}/api/overview`);
    expect(overview).toMatchObject({
      health: { status: expect.any(String), checks: expect.any(Array) },
      handles: { open: expect.any(Number), most: expect.any(Number) },
      nodes: [{ name: "relay-1", slug: "relay-1", isConnected: true, version: "10.5.1", total: 30 }],
    });
    expect(overview.totals).toMatchObject([{ received: 30, written: 30, dropped: 0 }]);
    expect(overview.nodes[0]!.bySeverity.reduce((sum, each) => sum + each, 0)).toBe(30);
    expect(overview.disks.length).toBe(1);
    expect(overview.handles.open).toBeLessThan(overview.handles.most);
  });
  await node.stop();
  await eventually(async () => {
    const { nodes } = await json<Overview>(`${addressOf(tracer)}/api/overview`);
    expect(nodes).toMatchObject([{ name: "relay-1", isConnected: false }]);
  });
});

test.each([
  ["with timeseries", { hasTimeseries: { epHost: "127.0.0.1", epPort: 0 } }],
  ["without", {}],
])(
  "a node's page has its facts and metrics, and their last hour, %s; an unknown slug is not found",
  async (_, more) => {
    await using tracer = await tracerWithPage({}, { ...more, ekgRequestFreq: 0.05 });
    await using __ = { [Symbol.asyncDispose]: (await nodeWith(tracer, "relay-1", 1)).stop };
    await eventually(async () => {
      const details = await json<NodeDetails>(`${addressOf(tracer)}/api/node/relay-1`);
      expect(details.facts).toContainEqual(["era", "Conway"]);
      expect(details.facts).toContainEqual(["sync", "100 %"]);
      const [name] = details.metrics.find(([, kind]) => kind === "gauge")!;
      const path = `${addressOf(tracer)}/api/history/relay-1/${encodeURIComponent(name)}`;
      const { points } = await json<{ points: [number, number][] }>(path);
      expect(points.length).toBeGreaterThan(0);
    });
    for (const path of ["/api/node/relay-2", "/api/node/", "/api/history/relay-2/a.metric", "/api/other"])
      expect((await fetch(addressOf(tracer) + path)).status).toBe(404);
  },
);

test("the files of each node are listed with their sizes and their rotation", async () => {
  await using tracer = await tracerWithPage(
    {},
    { rotation: { rpLogLimitBytes: 1_000_000, rpKeepFilesNum: 3 } },
  );
  const node = await nodeWith(tracer, "relay-1", 10);
  await eventually(async () => expect(await tracer.linesOf("relay-1")).toHaveLength(10));
  const files = await json<FilesOverview>(`${addressOf(tracer)}/api/files`);
  expect(files).toMatchObject({
    rotation: { limitBytes: 1_000_000, keepFiles: 3 },
    logs: [{ root: tracer.logRoot, directory: "relay-1", files: [{ bytes: expect.any(Number) }] }],
    left: 0,
  });
  expect(files.logs[0]!.bytes).toBeGreaterThan(0);
  await node.stop();
});

test("a program that watches receives filtered objects as they arrive", async () => {
  await using tracer = await tracerWithPage();
  await using all = await Watcher.open(tracer);
  await using other = await Watcher.open(tracer, "?node=relay-2");
  await eventually(() => expect(tracer.served.has("ui")).toBe(true));
  const nodes = [await nodeWith(tracer, "relay-1", 20), await nodeWith(tracer, "relay-2", 10)];
  await eventually(() => expect(all.objects).toHaveLength(30));
  await eventually(() => expect(other.objects).toHaveLength(10));
  expect(new Set(other.objects.map(({ node }) => node))).toEqual(new Set(["relay-2"]));
  // What viewers see is no part of the totals.
  await eventually(async () => {
    const { totals } = await json<Overview>(`${addressOf(tracer)}/api/overview`);
    expect(totals).toMatchObject([{ received: 30, written: 30 }]);
  });
  // They are still written to the files.
  expect(await tracer.linesOf("relay-1")).toHaveLength(20);
  for (const node of nodes) await node.stop();
});

test.each([
  ["?severity=Loud", /severity must be one of/],
  ["?regex=(", /regular expression/],
  ["?colour=red", /unknown parameter/],
  ["?text=a&text=b", /more than once/],
])("a query such as %s is refused with its reason", async (query, reason) => {
  await using tracer = await tracerWithPage();
  await using watcher = await Watcher.open(tracer, query);
  const [code, why] = (await once(watcher.socket, "close")) as [number, Buffer];
  expect(code).toBe(4002);
  expect(why.toString()).toMatch(reason);
});

test("a page from another origin may not watch", async () => {
  await using tracer = await tracerWithPage();
  const socket = new WebSocket(`ws://${tracer.served.get("ui")}/api/live`, { origin: "http://evil.example" });
  const [error] = (await once(socket, "error")) as [Error];
  expect(error.message).toContain("403");
});

test("every path asks for the credentials of muninn.auth.ui, and accepts a token as well as a password", async () => {
  const auth = { ui: { bearerToken: "page-token", basic: { user: "ada", password: "secret" } } };
  await using tracer = await tracerWithPage({ auth });
  const status = async (path: string, authorization?: string) =>
    (await fetch(addressOf(tracer) + path, { headers: authorization ? { authorization } : {} })).status;
  for (const path of ["/", "/api/overview", "/api/files"]) expect(await status(path)).toBe(401);
  expect(await status("/", "Bearer page-token")).toBe(200);
  expect(await status("/", `Basic ${btoa("ada:secret")}`)).toBe(200);
  expect(await status("/", `Basic ${btoa("ada:page-token")}`)).toBe(401);
  const refused = new WebSocket(`ws://${tracer.served.get("ui")}/api/live`);
  const [error] = (await once(refused, "error")) as [Error];
  expect(error.message).toContain("401");
  await using _ = await Watcher.open(tracer, "", { authorization: "Bearer page-token" });
});

test("without muninn.auth.ui a page beyond loopback refuses to start", async () => {
  const page = (host: string, auth?: object) =>
    tracerWithPage({ ui: { host, port: 0 }, ...(auth && { auth: { ui: auth } }) });
  await expect(page("0.0.0.0")).rejects.toThrow(/muninn\.auth\.ui/);
  await using protectedPage = await page("0.0.0.0", { bearerToken: "page-token" });
  await using local = await page("::1");
  expect([protectedPage, local].map(({ served }) => served.has("ui"))).toEqual([true, true]);
});

test("a stop closes the connections of viewers properly", async () => {
  await using tracer = await tracerWithPage();
  await using watcher = await Watcher.open(tracer);
  const closed = once(watcher.socket, "close");
  await tracer.stop();
  expect((await closed)[0]).toBe(1001);
});
