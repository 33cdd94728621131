import { mkdir } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEkgEndpoint } from "../../src/http/ekg-endpoint.js";
import type { EndpointServer } from "../../src/http/endpoint-server.js";
import type { ViewedNode } from "../../src/http/nodes-view.js";
import { accessibilityFaults, browserMissing, openChromium, openPage, surplusWidth } from "../chromium.js";
import { give, type MetricSet } from "../metrics/node/metric-sets.js";
import { anyPort, viewedNode, viewOf } from "./nodes.js";

/** Two phones, a laptop and a wall screen. */
const sizes = [
  { width: 360, height: 740 },
  { width: 390, height: 844 },
  { width: 1_024, height: 768 },
  { width: 2_560, height: 1_300 },
];

/** Enough for a busy machine. */
const patience = { timeout: 30_000, interval: 100 };

const hostile = '<img src=x onerror="document.title=1">';
const metrics: MetricSet = [
  ["cardano.node.metrics.blockNum.int", "g", 100n],
  ["cardano.node.metrics.slotNum.int", "g", 2n ** 63n - 1n],
  ["mem.resident.int", "g", 5n],
  [hostile, "l", hostile],
  ["a.very.long.name.without.any.place.to.break.".repeat(5), "l", "y".repeat(400)],
  ...Array.from({ length: 60 }, (_, i) => [`filler.${String(i).padStart(2, "0")}`, "c", BigInt(i)] as const),
];

describe.skipIf(browserMissing !== undefined)("pages in Chromium", () => {
  let node: ViewedNode;
  let server: EndpointServer;
  let browser: Browser;

  const open = (port: number) =>
    openEkgEndpoint({ endpoint: { ...anyPort, port }, field: "hasEKG", nodes: viewOf([node]) });
  const opened = (path: string, options: Parameters<typeof openPage>[2] = {}) =>
    openPage(browser, `http://127.0.0.1:${server.address.port}${path}`, { viewport: sizes[2]!, ...options });

  const rows = (page: Page) => page.locator(".metric");
  const row = (page: Page, name: string) =>
    rows(page).filter({ has: page.locator(".name").and(page.getByTitle(name, { exact: true })) });
  /** In full: what is shown lacks the prefix of its group. */
  const names = (page: Page) =>
    rows(page)
      .locator(".name")
      .evaluateAll((all) => all.map((each) => each.title));
  const shownValue = async (page: Page, name: string) =>
    (await row(page, name).locator(".value").textContent())!.trim();
  const state = (page: Page) => page.locator("header").getByRole("status");
  const live = (page: Page) => state(page).getByText("live", { exact: true }).waitFor();

  beforeAll(async () => {
    node = viewedNode("<i>Node</i> 1", "node-1", metrics);
    server = await open(0);
    browser = await openChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("the list links to the node's page", async () => {
    const { page, complaints, context } = await opened("/");
    await page.getByRole("link", { name: "<i>Node</i> 1" }).click();
    await live(page);
    expect(await page.title()).toBe("<i>Node</i> 1 – EKG");
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("<i>Node</i> 1");
    expect(complaints).toEqual([]);
    await context.close();
  });

  test("the page shows every metric, by groups, in order and in full, and updates", async () => {
    const { page, complaints, context } = await opened("/node-1");
    await live(page);
    expect(await shownValue(page, "cardano.node.metrics.slotNum.int")).toBe("9,223,372,036,854,775,807");
    const found = await names(page);
    const expected = [...metrics.map(([name]) => name), "ekg.server_timestamp_ms"];
    expect(found.toSorted()).toEqual(expected.toSorted());
    expect(await row(page, "mem.resident.int").locator(".name").textContent()).toBe("resident.int");
    const fillers = found.filter((name) => name.startsWith("filler."));
    expect(fillers).toEqual(fillers.toSorted());

    give(
      node.metrics,
      [
        ["mem.resident.int", { kind: "gauge", value: 6n }],
        ["brand.new", { kind: "gauge", value: 1n }],
      ],
      { whole: false, nowMs: 1 },
    );
    await expect.poll(() => shownValue(page, "mem.resident.int"), patience).toBe("6 B");
    expect(await shownValue(page, "brand.new")).toBe("1");
    expect(complaints).toEqual([]);
    await context.close();
  });

  test("the page shows the recent past of changing metrics, and plots it on a click", async () => {
    const { page, complaints, context } = await opened("/node-1");
    const block = row(page, "cardano.node.metrics.blockNum.int");
    const heights = async () => {
      const points = (await block.locator("polyline").getAttribute("points"))!;
      return new Set(points.split(" ").map((point) => point.split(",")[1])).size;
    };
    let value = 100n;
    const changing = () => {
      value += 1n;
      give(node.metrics, [["cardano.node.metrics.blockNum.int", { kind: "gauge", value }]], {
        whole: false,
        nowMs: 1,
      });
      return heights();
    };
    await live(page);
    await expect.poll(changing, patience).toBeGreaterThan(2);
    await block.getByRole("button").click();
    await block.getByRole("img", { name: /blockNum.*from \d+ to \d+/ }).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  test("the search keeps the metrics that contain all its words", async () => {
    const { page, context } = await opened("/node-1");
    await live(page);
    await page.getByLabel("Search metrics").fill("NUM cardano");
    await page.getByText(/^2 of \d+ metrics$/).waitFor();
    expect(await names(page)).toEqual([
      "cardano.node.metrics.blockNum.int",
      "cardano.node.metrics.slotNum.int",
    ]);
    await page.getByLabel("Search metrics").fill("");
    await expect.poll(() => rows(page).count(), patience).toBeGreaterThan(60);
    await context.close();
  });

  test("names and texts from a node are shown as text", async () => {
    const { page, complaints, context } = await opened("/node-1");
    await live(page);
    expect(await shownValue(page, hostile)).toBe(hostile);
    expect(await page.locator("img, i").count()).toBe(0);
    expect(complaints).toEqual([]);
    await context.close();
  });

  const looks = ["/", "/node-1"].flatMap((path) =>
    sizes.flatMap((size) =>
      (["light", "dark"] as const).map((scheme) => [path, size.width, scheme, size] as const),
    ),
  );

  test.each(looks)(
    "%s at %d pixels, %s: nothing is wider than the window, and axe finds nothing",
    async (path, width, colorScheme, viewport) => {
      const { page, complaints, context } = await opened(path, { viewport, colorScheme });
      if (path !== "/") {
        await live(page);
        await row(page, "cardano.node.metrics.blockNum.int").getByRole("button").click();
        await page.getByRole("img", { name: /blockNum/ }).waitFor();
      }
      expect(await surplusWidth(page)).toBe(0);
      await mkdir("run/page", { recursive: true });
      await page.screenshot({
        path: `run/page/ekg-${path === "/" ? "list" : "node"}-${width}-${colorScheme}.png`,
      });
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await context.close();
    },
  );

  test("on a phone each name uses the full width, and a value most of it", async () => {
    const { page, context } = await opened("/node-1", { viewport: sizes[1]! });
    await live(page);
    const narrowest = (part: string) =>
      rows(page)
        .locator(part)
        .evaluateAll((parts) =>
          Math.min(...parts.map((each) => each.clientWidth || each.getBoundingClientRect().width)),
        );
    expect(await narrowest(".name")).toBeGreaterThan(340);
    expect(await narrowest(".value")).toBeGreaterThan(200);
    await context.close();
  });

  test("the page reports a lost connection, and is live again when the daemon is back", async () => {
    const { page, context } = await opened("/node-1");
    await live(page);
    const { port } = server.address;
    await server.stop();
    await state(page).getByText("connection lost, retrying").waitFor();
    server = await open(port);
    await live(page);
    await context.close();
  });
});

if (browserMissing !== undefined) {
  test("pages work in Chromium", (ctx) => ctx.skip(browserMissing));
}
