import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";

/** The browser installed here, if any. */
export const chromiumProgram = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

/** Of root, in a container, and without talking to anyone. */
export const chromiumFlags: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Why tests in a browser cannot run here, if they cannot. */
export const browserMissing =
  chromiumProgram === undefined ? "chromium is not on PATH (Debian: chromium)" : undefined;

/** Headless Chromium, driven by the DevTools protocol. */
export class Browser implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #directory: string;
  readonly #socket: WebSocket;
  readonly #replies = new Map<number, (message: DevToolsMessage) => void>();
  readonly #pages = new Map<string, Page>();
  #lastId = 0;

  static async open(): Promise<Browser> {
    const directory = await mkdtemp(join(tmpdir(), "muninn-chromium-"));
    const child = spawn(chromiumProgram!, [
      "--headless",
      ...chromiumFlags,
      "--remote-debugging-port=0",
      `--user-data-dir=${directory}`,
    ]);
    let output = "";
    const address = await new Promise<string>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", () => reject(new Error(output)));
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const found = /DevTools listening on (ws:\S+)/.exec(output)?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    const socket = new WebSocket(address);
    await once(socket, "open");
    return new Browser(child, directory, socket);
  }

  private constructor(child: ChildProcess, directory: string, socket: WebSocket) {
    this.#process = child;
    this.#directory = directory;
    this.#socket = socket;
    socket.on("message", (data) => {
      const message = JSON.parse(data.toString()) as DevToolsMessage;
      if (message.id !== undefined) this.#replies.get(message.id)?.(message);
      else this.#pages.get(message.sessionId ?? "")?.heard(message);
    });
  }

  /** Opens a page with the size of a phone or a desktop, in CSS pixels. */
  async page(url: string, size: { width: number; height: number; mobile: boolean }): Promise<Page> {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, String(sessionId));
    this.#pages.set(String(sessionId), page);
    await page.send("Emulation.setDeviceMetricsOverride", { ...size, deviceScaleFactor: 1 });
    await page.send("Log.enable");
    await page.send("Runtime.enable");
    await page.send("Page.enable");
    await page.send("Page.navigate", { url });
    return page;
  }

  send(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#replies.set(id, ({ result, error }) => {
        this.#replies.delete(id);
        if (result === undefined) reject(new Error(`${method}: ${JSON.stringify(error)}`));
        else resolve(result);
      });
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await exited;
    this.#socket.terminate();
    // Its helper processes exit a moment later and still write.
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

interface DevToolsMessage {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: object;
  readonly result?: Record<string, unknown>;
  readonly error?: unknown;
}

export class Page {
  /** Exceptions and log entries of level error: refused scripts, failed requests. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #session: string;

  constructor(browser: Browser, session: string) {
    this.#browser = browser;
    this.#session = session;
  }

  heard({ method, params }: DevToolsMessage): void {
    if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded") {
      this.complaints.push(JSON.stringify(params));
    }
  }

  send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    return this.#browser.send(method, params, this.#session);
  }

  /** The value of an expression in the page, in JSON types. */
  async value(expression: string): Promise<unknown> {
    const { result } = await this.send("Runtime.evaluate", { expression, returnByValue: true });
    return (result as { value?: unknown }).value;
  }

  /** A screenshot of the page, as PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.send("Page.captureScreenshot");
    return Buffer.from(String(data), "base64");
  }
}
