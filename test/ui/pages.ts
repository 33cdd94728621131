import { once } from "node:events";
import { WebSocket } from "ws";
import type { LiveMessage, LiveObject } from "../../src/sinks/live/live-messages.js";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { startTracer, type TestTracer } from "../../src/testing/test-tracer.js";

/** A tracer with a page on a port that the system chooses, and given fields. */
export function tracerWithPage(
  muninn: object = {},
  config: NonNullable<Parameters<typeof startTracer>[0]>["config"] = {},
): Promise<TestTracer> {
  return startTracer({
    config: { ...config, muninn: { ui: { host: "127.0.0.1", port: 0 }, ...muninn } },
  });
}

export function addressOf(tracer: TestTracer): string {
  return `http://${tracer.served.get("ui")}`;
}

/** A node that sends this many objects, and stays. */
export function nodeWith(tracer: TestTracer, name: string, count: number): ReturnType<typeof simulatedNode> {
  return simulatedNode({
    source: new NumberedSource({ name, count }),
    network: { mode: "connect", address: tracer.address },
  });
}

/** A program that watches `/api/live`. */
export class Watcher implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly messages: LiveMessage[] = [];

  static async open(tracer: TestTracer, query = "", headers: Record<string, string> = {}): Promise<Watcher> {
    const watcher = new Watcher(
      new WebSocket(`ws://${tracer.served.get("ui")}/api/live${query}`, { headers }),
    );
    await once(watcher.socket, "open");
    return watcher;
  }

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => this.messages.push(JSON.parse(data.toString()) as LiveMessage));
  }

  get objects(): readonly LiveObject[] {
    return this.messages.flatMap((message) => ("objects" in message ? message.objects : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, "close");
    this.socket.terminate();
    await closed;
  }
}
