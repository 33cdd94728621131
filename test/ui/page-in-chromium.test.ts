import { mkdir } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import { type ScriptedObject, ScriptedSource } from "../../src/testing/scripted-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import type { TestTracer } from "../../src/testing/test-tracer.js";
import { accessibilityFaults, browserMissing, openChromium, openPage, surplusWidth } from "../chromium.js";
import { freePort } from "../end-to-end/daemon.js";
import { addressOf, nodeWith, tracerWithPage } from "./pages.js";

/** A phone, a laptop and a wall screen. */
const sizes = [
  { width: 360, height: 740 },
  { width: 1_280, height: 800 },
  { width: 2_560, height: 1_300 },
];
/** Of a busy machine. */
const patience = { timeout: 30_000, interval: 100 };
const hostile = `<img src=x onerror="document.title='broken into'">`;

describe.skipIf(browserMissing !== undefined)("the page in Chromium", () => {
  let browser: Browser;
  let tracer: TestTracer;
  const nodes: { stop(): Promise<unknown> }[] = [];

  beforeAll(async () => {
    browser = await openChromium();
    tracer = await tracerWithPage({}, { ekgRequestFreq: 0.2 });
    nodes.push(await steady(tracer, "relay-1"), await nodeWith(tracer, "relay-2", 5));
    nodes.push(await objectsOf(tracer, hostile, [{ machine: hostile, human: hostile, severity: "Error" }]));
  });
  afterAll(async () => {
    await browser?.close();
    for (const node of nodes) await node.stop();
    await tracer?.[Symbol.asyncDispose]();
  });

  /** Sends some objects per second, as long as it runs. */
  function steady(to: TestTracer, name: string) {
    return simulatedNode({
      source: new NumberedSource({ name, rate: 50 }),
      network: { mode: "connect", address: to.address },
    });
  }

  async function objectsOf(to: TestTracer, name: string, objects: readonly ScriptedObject[]) {
    const source = new ScriptedSource({ name, objects });
    return simulatedNode({ source, network: { mode: "connect", address: to.address } });
  }

  type Options = Parameters<typeof openPage>[2];

  const opened = (path: string, options: Options = {}) =>
    openPage(browser, `${addressOf(tracer)}/${path}`, { viewport: sizes[1]!, ...options });

  const views: readonly (readonly [view: string, path: string, ready: (page: Page) => Promise<unknown>])[] = [
    ["overview", "", (page) => page.getByRole("row", { name: /relay-1/ }).waitFor()],
    [
      "node",
      "#/node/relay-1",
      (page) =>
        page
          .getByRole("button", { name: /blockNum/ })
          .first()
          .waitFor(),
    ],
    [
      "live",
      "#/live?node=relay-1",
      (page) =>
        page
          .getByRole("row", { name: /relay-1/ })
          .first()
          .waitFor(),
    ],
    ["files", "#/files", (page) => page.getByText("relay-1").first().waitFor()],
  ];
  const looks = views.flatMap((view) =>
    sizes.flatMap((size) =>
      (["light", "dark"] as const).map((scheme) => [view[0], size.width, scheme, view, size] as const),
    ),
  );

  test.each(looks)(
    "%s at %d pixels, %s: nothing is wider than the window, and axe finds nothing",
    async (name, width, colorScheme, [, path, ready], viewport) => {
      const { page, complaints, context } = await opened(path, { viewport, colorScheme });
      await ready(page);
      if (name === "node")
        await page
          .getByRole("button", { name: /blockNum/ })
          .first()
          .click();
      expect(await surplusWidth(page)).toBe(0);
      // Health and totals are present in every view.
      for (const text of ["received", "dropped", "nodes"])
        await page.locator("header").getByText(text, { exact: true }).first().waitFor({ state: "visible" });
      const faults = await accessibilityFaults(page);
      await mkdir("run/page", { recursive: true });
      await page.screenshot({ path: `run/page/${name}-${width}-${colorScheme}.png` });
      expect(faults).toEqual([]);
      expect(complaints).toEqual([]);
      await context.close();
    },
  );

  const firstNode = (page: Page) =>
    page.getByRole("grid", { name: "Nodes" }).locator(".row").first().locator(".name").textContent();

  test("nodes are sorted by a click on a column's title, and searched", async () => {
    const { page, context } = await opened("");
    await page.getByRole("row", { name: /relay-1/ }).waitFor();
    expect(await firstNode(page)).toContain("onerror");
    const rate = page.getByRole("columnheader", { name: "Rate" });
    await rate.getByRole("button").click();
    await expect.poll(() => firstNode(page), patience).toBe("relay-1");
    expect(await rate.getAttribute("aria-sort")).toBe("descending");
    await rate.getByRole("button").click();
    await expect.poll(() => firstNode(page), patience).not.toBe("relay-1");
    await page.getByLabel("Search nodes").fill("RELAY-2");
    await expect.poll(() => firstNode(page), patience).toBe("relay-2");
    await page.getByLabel("Search nodes").fill("nothing");
    await page.getByText("No node has that in its name or version.").waitFor();
    await context.close();
  });

  test("on a phone the columns of all nodes are in line, and they can be sorted", async () => {
    const { page, context } = await opened("", { viewport: { width: 390, height: 844 } });
    await page.getByRole("row", { name: /relay-1/ }).waitFor();
    const rightEnds = (await page.evaluate(`[...document.querySelectorAll(".nodes .row > :is(.state, .rate)")]
      .map((cell) => Math.round(cell.getBoundingClientRect().right))`)) as number[];
    expect(rightEnds.length).toBe(6);
    expect(new Set(rightEnds).size).toBe(1);
    await page.getByLabel("Sort nodes by").selectOption("Rate");
    await expect.poll(() => firstNode(page), patience).toBe("relay-1");
    await context.close();
  });

  test("what is typed into a filter stays while the page is drawn again, and leaves with its view", async () => {
    const { page, context } = await opened("#/live");
    await page.getByText("live", { exact: true }).first().waitFor();
    // Without a pause for longer than the overview, which names the nodes, takes to be read again.
    await page.getByLabel("Namespace").pressSequentially("ChainDB.AddBlockEvent", { delay: 120 });
    expect(await page.getByLabel("Namespace").inputValue()).toBe("ChainDB.AddBlockEvent");
    await expect.poll(() => page.url(), patience).toContain("namespace=ChainDB.AddBlockEvent");
    await page.getByLabel("Node").fill("relay-1");
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByRole("row", { name: /relay-1/ }).waitFor();
    // Longer than what was typed is waited for.
    await page.evaluate("new Promise((resolve) => setTimeout(resolve, 400))");
    expect(page.url()).toMatch(/#\/$/);
    await context.close();
  });

  test("live traces arrive, stop while paused, and continue", async () => {
    const { page, context } = await opened("#/live?node=relay-1");
    const lines = page.getByRole("grid", { name: "Trace objects" });
    const count = async () => Number(await lines.getAttribute("aria-rowcount"));
    await lines
      .getByRole("row", { name: /relay-1/ })
      .first()
      .waitFor();
    const before = await count();
    await expect.poll(count, patience).toBeGreaterThan(before + 20);
    await page.getByRole("button", { name: "Pause" }).click();
    const paused = await count();
    await expect
      .poll(
        async () =>
          Number(
            /([\d,]+) lines/.exec((await page.locator(".bar").first().textContent())!)![1]!.replace(",", ""),
          ),
        patience,
      )
      .toBeGreaterThan(paused + 20);
    expect(await count()).toBe(paused);
    await page.getByRole("button", { name: "Resume" }).click();
    await expect.poll(count, patience).toBeGreaterThan(paused + 20);
    await context.close();
  });

  test("the filters are in the address, and the tracer applies them", async () => {
    const { page, context } = await opened("#/live");
    await page.getByLabel("Severity").selectOption("Warning");
    await page.getByLabel("Node").fill("relay-1");
    await expect.poll(() => page.url(), patience).toMatch(/severity=Warning.*node=relay-1/);
    await page.reload();
    expect(await page.getByLabel("Severity").inputValue()).toBe("Warning");
    const lines = page.getByRole("grid", { name: "Trace objects" });
    await lines
      .getByRole("row", { name: /relay-1/ })
      .first()
      .waitFor();
    const shown = await lines.locator(".mark").allTextContents();
    expect(shown.filter((severity) => ["Debug", "Info", "Notice"].includes(severity))).toEqual([]);
    await page.getByLabel("regular expression").check();
    await page.getByLabel("Text").fill("(");
    await page.getByText(/not a regular expression/).waitFor();
    await context.close();
  });

  test("a line can be selected and opened by keys: its JSON is shown unfolded, and Escape closes it", async () => {
    const { page, context } = await opened("#/live?node=relay-1");
    const rows = page.getByRole("rowgroup", { name: "Trace objects" });
    await page
      .getByRole("row", { name: /relay-1/ })
      .first()
      .waitFor();
    await rows.focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const object = page.getByRole("region", { name: "Trace object" });
    await object.locator(".tree").first().waitFor();
    expect(await object.textContent()).toContain("relay-1");
    await page.keyboard.press("Escape");
    await object.waitFor({ state: "detached" });
    await context.close();
  });

  test("names and texts from peers are shown as text, whatever their content", async () => {
    await using own = await tracerWithPage();
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${addressOf(own)}/#/live`);
    await page.getByText("live", { exact: true }).first().waitFor();
    const node = await objectsOf(
      own,
      hostile,
      Array.from({ length: 3 }, () => ({
        machine: JSON.stringify({ [hostile]: hostile }),
        human: hostile,
        host: hostile,
      })),
    );
    await page
      .getByRole("row", { name: /onerror/ })
      .first()
      .click();
    await page.getByRole("region", { name: "Trace object" }).locator(".tree").waitFor();
    await page.goto(`${addressOf(own)}/#/`);
    await page
      .getByRole("row", { name: /onerror/ })
      .first()
      .click();
    await page.getByRole("heading", { name: /onerror/ }).waitFor();
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.title()).not.toBe("broken into");
    await context.close();
    await node.stop();
  });

  test("after a restart of the tracer the page reconnects by itself", async () => {
    const port = await freePort("127.0.0.1");
    const start = () => tracerWithPage({ ui: { host: "127.0.0.1", port } });
    const first = await start();
    const before = await steady(first, "before");
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${addressOf(first)}/#/live`);
    await page
      .getByRole("row", { name: /before/ })
      .first()
      .waitFor();
    await before.stop();
    await first[Symbol.asyncDispose]();
    await page
      .locator("header")
      .getByText(/connection lost, retrying; this is the state of \d/)
      .waitFor();
    await using second = await start();
    const after = await steady(second, "after");
    await page.getByRole("row", { name: /after/ }).first().waitFor();
    await page.locator("header").getByText("live", { exact: true }).waitFor();
    await context.close();
    await after.stop();
  });
});
