import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEkgEndpoint } from "../../src/http/ekg-endpoint.js";
import type { EndpointServer } from "../../src/http/endpoint-server.js";
import type { ViewedNode } from "../../src/http/nodes-view.js";
import { give, type MetricSet } from "../metrics/node/metric-sets.js";
import { Browser, browserMissing, type Page } from "./browser.js";
import { anyPort, viewedNode, viewOf } from "./nodes.js";

const phone = { width: 360, height: 740, mobile: true };
const desk = { width: 1_280, height: 900, mobile: false };

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
  const url = (path: string) => `http://127.0.0.1:${server.address.port}${path}`;
  const patience = { timeout: 30_000, interval: 100 };

  /** The text of the value next to a metric's name. */
  const shownValue = (page: Page, name: string) =>
    page.value(
      `[...document.querySelectorAll("#metrics li")].find((row) => row.dataset.name === ${JSON.stringify(name)})?.querySelector(".value").textContent`,
    );
  const shownNames = (page: Page) =>
    page.value(
      `[...document.querySelectorAll("#metrics li")].filter((row) => row.checkVisibility()).map((row) => row.dataset.name)`,
    );
  const state = (page: Page) => page.value(`document.getElementById("state").textContent`);
  const search = (page: Page, words: string) =>
    page.value(
      `{ const box = document.getElementById("search"); box.value = ${JSON.stringify(words)}; box.dispatchEvent(new Event("input")); }`,
    );

  beforeAll(async () => {
    node = viewedNode("<i>Node</i> 1", "node-1", metrics);
    server = await open(0);
    browser = await Browser.open();
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await server.stop();
  });

  test("the list links to the node's page", async () => {
    const page = await browser.page(url("/"), phone);
    await expect
      .poll(() => page.value(`document.querySelector(".nodes a")?.textContent`), patience)
      .toBe("<i>Node</i> 1");
    await page.value(`document.querySelector(".nodes a").click()`);
    await expect.poll(() => shownValue(page, "mem.resident.int"), patience).toBe("5");
    expect(await page.value("document.title")).toBe("<i>Node</i> 1 – EKG");
    expect(page.complaints).toEqual([]);
  });

  test("the page shows every metric, in order and in full, and updates", async () => {
    const page = await browser.page(url("/node-1"), desk);
    await expect.poll(() => state(page), patience).toBe("live");
    expect(await shownValue(page, "cardano.node.metrics.slotNum.int")).toBe("9223372036854775807");
    const names = (await shownNames(page)) as string[];
    expect(names).toEqual([...metrics.map(([name]) => name), "ekg.server_timestamp_ms"].sort());

    give(
      node.metrics,
      [
        ["mem.resident.int", { kind: "gauge", value: 6n }],
        ["brand.new", { kind: "gauge", value: 1n }],
      ],
      { whole: false, nowMs: 1 },
    );
    await expect.poll(() => shownValue(page, "mem.resident.int"), patience).toBe("6");
    expect(await shownValue(page, "brand.new")).toBe("1");
    expect(page.complaints).toEqual([]);
  });

  test("the page plots the recent past of changing metrics", async () => {
    const page = await browser.page(url("/node-1"), desk);
    const heights = () =>
      page.value(`[...new Set([...document.querySelectorAll("#metrics li")]
        .find((row) => row.dataset.name === "cardano.node.metrics.blockNum.int")
        ?.querySelector("polyline").getAttribute("points")?.split(" ").map((point) => point.split(",")[1]))].length`);
    let block = 100n;
    const changing = async () => {
      block += 1n;
      give(node.metrics, [["cardano.node.metrics.blockNum.int", { kind: "gauge", value: block }]], {
        whole: false,
        nowMs: 1,
      });
      return heights();
    };
    await expect.poll(changing, patience).toBeGreaterThan(2);
    expect(page.complaints).toEqual([]);
  });

  test("the search keeps the metrics that contain all its words", async () => {
    const page = await browser.page(url("/node-1"), desk);
    await expect.poll(() => state(page), patience).toBe("live");
    await search(page, "NUM cardano");
    expect(await shownNames(page)).toEqual([
      "cardano.node.metrics.blockNum.int",
      "cardano.node.metrics.slotNum.int",
    ]);
    expect(await page.value(`document.getElementById("count").textContent`)).toMatch(/^2 of \d+ metrics$/);
    await search(page, "");
    expect(((await shownNames(page)) as string[]).length).toBeGreaterThan(60);
  });

  test("names and texts from a node are shown as text", async () => {
    const page = await browser.page(url("/node-1"), desk);
    await expect.poll(() => shownValue(page, hostile), patience).toBe(hostile);
    expect(await page.value(`document.querySelectorAll("img, i").length`)).toBe(0);
    expect(page.complaints).toEqual([]);
  });

  test.each(["/", "/node-1"])("%s fits the width of a phone", async (path) => {
    const page = await browser.page(url(path), phone);
    await expect
      .poll(() => page.value(`document.querySelectorAll("li").length`), patience)
      .toBeGreaterThan(0);
    expect(await page.value("document.documentElement.scrollWidth")).toBe(phone.width);
    expect(await page.value("window.innerWidth")).toBe(phone.width);
  });

  test("on a phone each name and each value uses the full width, however long the value", async () => {
    const page = await browser.page(url("/node-1"), { width: 390, height: 844, mobile: true });
    await expect.poll(() => state(page), patience).toBe("live");
    const narrowest = await page.value(
      `Math.min(...[...document.querySelectorAll("#metrics .name, #metrics .value")].map((part) => part.clientWidth || part.getBoundingClientRect().width))`,
    );
    expect(narrowest).toBeGreaterThan(300);
  });

  test("the page reports a lost connection, and is live again when the daemon is back", async () => {
    const page = await browser.page(url("/node-1"), desk);
    await expect.poll(() => state(page), patience).toBe("live");
    const { port } = server.address;
    await server.stop();
    await expect.poll(() => state(page), patience).toBe("connection lost, retrying");
    server = await open(port);
    await expect.poll(() => state(page), patience).toBe("live");
  });
});

if (browserMissing !== undefined) {
  test("pages work in Chromium", (ctx) => ctx.skip(browserMissing));
}
