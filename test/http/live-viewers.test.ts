import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { BodyBudget } from "../../src/http/body-budget.js";
import { LiveViewers } from "../../src/http/live-viewers.js";
import type { ViewedNode } from "../../src/http/nodes-view.js";
import type { MetricSet } from "../metrics/node/metric-sets.js";
import { viewedNode, viewOf } from "./nodes.js";

// How many pages may be open, and what they leave behind; their WebSockets are the test's.

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  vi.spyOn(WebSocketServer.prototype, "handleUpgrade").mockImplementation((...[message, , , take]) => {
    take((message as unknown as { page: Page }).page as unknown as WebSocket, message);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

class Page extends EventEmitter {
  readonly readyState = 1;
  /** What it has been sent, message by message. */
  readonly texts: string[] = [];
  isReading = true;
  pings = 0;
  #text = "";

  send(chunk: Buffer, { fin }: { fin: boolean }, sent?: () => void): void {
    this.#text += chunk.toString();
    if (!fin) return;
    this.texts.push(this.#text);
    this.#text = "";
    if (this.isReading) sent?.();
  }
  ping(): void {
    this.pings += 1;
    this.emit("pong");
  }
  terminate(): void {
    this.emit("close");
  }
  close(): void {
    this.emit("close");
  }
}

function opened(...nodes: ViewedNode[]) {
  const budget = new BodyBudget({ maxBytes: 2 ** 30 });
  const viewers = new LiveViewers({
    nodes: viewOf(nodes),
    budget,
    onError: (error) => expect(error).toBeUndefined(),
  });
  const view = (slug: string, page = new Page()) => {
    const message = { headers: {}, page } as never;
    const status = viewers.take(message, {} as never, {} as never, { slug, rest: undefined });
    return { page, status };
  };
  return { budget, view };
}

/** Lets what a second brings happen. */
async function seconds(count: number): Promise<void> {
  for (let second = 0; second < count; second += 1) {
    vi.advanceTimersByTime(1_000);
    for (let turns = 0; turns < 30; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

const few = viewedNode("a", "a", [["m", "g", 1n]]);

test("256 pages may be open, and another once one is closed", () => {
  const { view } = opened(few);
  const pages = Array.from({ length: 256 }, () => view("a"));
  expect(pages.map(({ status }) => status)).toEqual(Array(256).fill(undefined));
  expect(view("a").status).toBe(503);
  pages[7]!.page.close();
  expect(view("a").status).toBeUndefined();
});

test("updates end with the last page", async () => {
  const { view } = opened(few);
  expect(vi.getTimerCount()).toBe(0);
  const [first, second] = [view("a").page, view("a").page];
  first.close();
  expect(vi.getTimerCount()).toBe(1);
  second.close();
  expect(vi.getTimerCount()).toBe(0);
});

test("a page is asked every fifteen seconds whether it is there", async () => {
  const { view } = opened(few);
  const { page } = view("a");
  await seconds(14);
  expect(page.pings).toBe(0);
  await seconds(1);
  expect(page.pings).toBe(1);
});

test("a page that is closed releases what it had not read", async () => {
  const { budget, view } = opened(few);
  const [hold, release] = [vi.spyOn(budget, "hold"), vi.spyOn(budget, "release")];
  const { page } = view("a", Object.assign(new Page(), { isReading: false }));
  await seconds(1);
  expect([hold.mock.calls.length, release.mock.calls.length]).toEqual([1, 0]);
  page.close();
  expect(release).toHaveBeenCalledTimes(1);
});

test("a hundred thousand metrics are remembered, of the nodes that are looked at", async () => {
  const many = (slug: string): ViewedNode =>
    viewedNode(
      slug,
      slug,
      Array.from({ length: 60_000 }, (_, n): MetricSet[number] => [`m${n}`, "g", 1n]),
    );
  const { view } = opened(many("a"), many("b"));
  const told = async (page: Page) => {
    await vi.waitFor(async () => {
      await seconds(1);
      expect(page.texts.length).toBeGreaterThan(1);
    });
    return page.texts.at(-1)!.slice(0, 14);
  };
  const first = view("a").page;
  expect(await told(first)).toBe('{"whole":false');
  const second = view("b").page;
  expect(await told(second)).toBe('{"whole":true,');
  first.close();
  second.close();
  expect(await told(view("b").page)).toBe('{"whole":false');
});
