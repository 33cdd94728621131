import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { daemonAddress } from "../../src/tail/daemon-address.js";
import { type DaemonLines, type DaemonToTail, tailDaemon } from "../../src/tail/tail-daemon.js";
import { program } from "../end-to-end/daemon.js";

/** Answers like `muninn.ui`, below `/muninn`; each connection is passed to `onViewer`. */
let server: Server;
let viewers: WebSocketServer;
let onViewer: (socket: WebSocket, url: URL, viewer: number) => void;
let asked: { path: string; authorization: string | undefined }[];

beforeEach(async () => {
  asked = [];
  let count = 0;
  server = createServer(({ url = "", headers }, response) => {
    asked.push({ path: url, authorization: headers.authorization });
    const known = { nodes: [{ name: "relay-1" }, { name: "relay-2" }] };
    if (url === "/muninn/api/overview") response.end(JSON.stringify(known));
    else response.writeHead(404).end();
  });
  viewers = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    const url = new URL(request.url ?? "", "http://there");
    asked.push({ path: url.pathname, authorization: request.headers.authorization });
    if (request.headers.authorization === "Bearer wrong") {
      socket.end("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    viewers.handleUpgrade(request, socket, head, (viewer) => {
      count += 1;
      onViewer(viewer, url, count);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  for (const viewer of viewers.clients) viewer.terminate();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

function options(given: Partial<DaemonToTail> & { token?: string } = {}): DaemonToTail {
  const { token, ...rest } = given;
  const { port } = server.address() as { port: number };
  const address = daemonAddress(`http://127.0.0.1:${port}/muninn`, token);
  return { address, nodes: [], filter: {}, remark: () => {}, pause: async () => {}, ...rest };
}

/** The output until this many messages have arrived. */
async function told(messages: number, given: Parameters<typeof options>[0] = {}): Promise<DaemonLines[]> {
  const all: DaemonLines[] = [];
  for await (const some of tailDaemon(options(given))) {
    all.push(some);
    if (all.length === messages) break;
  }
  return all;
}

const object = {
  node: "relay-1",
  at: "2026-02-16T09:30:01.000000007Z",
  severity: "Warning",
  namespace: "Net.Peer",
  host: "h",
  thread: "7",
  machine: '{"n":1}',
};

test("objects and missed counts arrive as the daemon sends them", async () => {
  onViewer = (socket) => {
    socket.send(JSON.stringify({ objects: [object, { ...object, human: "one" }] }));
    socket.send(JSON.stringify({ missed: 12 }));
  };
  const [first, second] = await told(2);
  expect(first).toMatchObject({
    missed: 0,
    lines: [
      {
        node: "relay-1",
        at: 1_771_234_201_000_000_007n,
        severity: "Warning",
        text: '{"n":1}',
        form: "machine",
      },
      { human: "one" },
    ],
  });
  expect(second).toEqual({ lines: [], missed: 12 });
});

test("all filters go to the daemon, with the token", async () => {
  let query = "";
  onViewer = (socket, url) => {
    query = url.search;
    socket.send('{"missed":1}');
  };
  await told(1, {
    token: "a-token-of-16-chars",
    nodes: ["relay-1", "relay-2"],
    filter: { namespaces: ["Net", "ChainDB"], severity: "Error" },
    grep: "a+&b",
  });
  expect(query).toBe(
    "?node=relay-1&node=relay-2&namespace=Net&namespace=ChainDB&severity=Error&regex=a%2B%26b",
  );
  expect(asked).toEqual([
    { path: "/muninn/api/overview", authorization: "Bearer a-token-of-16-chars" },
    { path: "/muninn/api/live", authorization: "Bearer a-token-of-16-chars" },
  ]);
});

test("objects that the daemon skipped count as missed", async () => {
  onViewer = (socket) => {
    socket.send('{"skipped":3}');
    socket.send('{"missed":2}');
  };
  expect((await told(2)).map(({ missed }) => missed)).toEqual([3, 2]);
});

test("a lost connection is made again, and both are reported", async () => {
  onViewer = (socket, _, viewer) => {
    socket.send(JSON.stringify({ missed: viewer }));
    if (viewer === 1) setImmediate(() => socket.close(1001, "Muninn stops"));
  };
  const remarks: string[] = [];
  const all = await told(2, { remark: (sentence) => remarks.push(sentence) });
  expect(all.map(({ missed }) => missed)).toEqual([1, 2]);
  expect(remarks).toEqual([
    expect.stringMatching(/^lost http.*1001: Muninn stops.*; retrying$/),
    expect.stringMatching(/^connected to .* again; what came in between is not shown$/),
  ]);
});

test("after a connection that was open, the next pause is the shortest again", async () => {
  onViewer = (socket, _, viewer) => {
    socket.send(JSON.stringify({ missed: viewer }));
    setImmediate(() => socket.close(1001));
  };
  const pauses: number[] = [];
  await told(4, { pause: async (ms) => void pauses.push(ms) });
  expect(pauses).toEqual([500, 500, 500]);
});

test("https in an address means TLS for lines, too", async () => {
  const { port } = server.address() as { port: number };
  const address = daemonAddress(`https://127.0.0.1:${port}/muninn`, undefined);
  // The server speaks no TLS.
  await expect(tailDaemon({ ...options(), address }).next()).rejects.toThrow(
    /SSL|packet length|wrong version/i,
  );
  expect(asked).toEqual([]);
});

test("a daemon that pings is there however long it has no lines; without a ping it is lost after 45 s", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    let daemon: WebSocket | undefined;
    onViewer = (socket) => {
      daemon = socket;
      socket.send('{"missed":1}');
    };
    const remarks: string[] = [];
    const lines = tailDaemon(options({ remark: (sentence) => remarks.push(sentence) }));
    await lines.next();
    const next = lines.next();
    vi.advanceTimersByTime(44_000);
    daemon!.ping();
    await once(daemon!, "pong");
    vi.advanceTimersByTime(44_000);
    daemon!.send('{"missed":2}');
    expect((await next).value).toMatchObject({ missed: 2 });
    expect(remarks).toEqual([]);
    const again = lines.next();
    vi.advanceTimersByTime(45_000);
    expect((await again).value).toMatchObject({ missed: 1 });
    expect(remarks[0]).toContain("it has been silent for too long");
    await lines.return(undefined);
  } finally {
    vi.useRealTimers();
  }
});

test("a connection is kept while its lines are not consumed, however long that takes", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    onViewer = (socket) => {
      // So long that they do not all arrive before the first ones are consumed.
      const pad = "x".repeat(500_000);
      for (let number = 1; number <= 20; number += 1) socket.send(JSON.stringify({ missed: number, pad }));
    };
    const remarks: string[] = [];
    const lines = tailDaemon(options({ remark: (sentence) => remarks.push(sentence) }));
    const found = [(await lines.next()).value!.missed];
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    vi.advanceTimersByTime(60_000);
    while (found.length < 20) found.push((await lines.next()).value!.missed);
    expect(found).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(remarks).toEqual([]);
    await lines.return(undefined);
  } finally {
    vi.useRealTimers();
  }
});

test("the command shows what the daemon left out, in its place", async () => {
  onViewer = (socket) => {
    socket.send(JSON.stringify({ missed: 12, objects: [object] }));
    setImmediate(() => socket.close(4_002, "enough"));
  };
  const { port } = server.address() as { port: number };
  const args = ["tail", "--url", `http://127.0.0.1:${port}/muninn`, "--format", "json"];
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  let out = "";
  child.stdout.on("data", (data) => {
    out += data;
  });
  expect(await once(child, "close")).toEqual([1, null]);
  expect(out).toBe('{"missed":12}\n{"node":"relay-1","n":1}\n');
});

test("a client that reads nothing is sent only a few messages", async () => {
  let sent = 0;
  onViewer = (socket) => {
    const message = JSON.stringify({ objects: [{ ...object, machine: "x".repeat(200_000) }] });
    // Like the daemon: one message in flight at a time.
    const tell = () => {
      if (sent === 1_000) return;
      socket.send(message, (error) => {
        if (error !== undefined && error !== null) return;
        sent += 1;
        tell();
      });
    };
    tell();
  };
  const pause = vi.spyOn(WebSocket.prototype, "pause");
  const lines = tailDaemon(options());
  await lines.next();
  await vi.waitFor(() => expect(pause).toHaveBeenCalledTimes(1), { timeout: 20_000 });
  // What the sockets still take, they take within a few turns.
  let before = -1;
  for (let turns = 0; turns < 1_000; turns = sent === before ? turns + 1 : 0) {
    before = sent;
    await nextTurn();
  }
  // The messages waiting here, and those in the sockets of both sides.
  expect(sent).toBeLessThan(200);
  await lines.return(undefined);
});

test.each([
  {
    code: 4002,
    reason: "no regular expression: missing )",
    message: /cannot do what was asked: no regular expression/,
  },
  { code: 4001, reason: "there are too many viewers", message: /there are too many viewers/ },
])("a refusal ($code) ends tail", async ({ code, reason, message }) => {
  onViewer = (socket) => socket.close(code, reason);
  await expect(told(1)).rejects.toMatchObject({ code: "no-daemon", message: expect.stringMatching(message) });
});

test.each([
  { what: "a wrong token", given: { token: "wrong" }, message: /asks for a credential \(401\)/ },
  {
    what: "a node that is unknown",
    given: { nodes: ["relay1"] },
    message: /no node relay1 at .*; did you mean relay-1\?/,
  },
])("$what is refused with one sentence", async ({ given, message }) => {
  onViewer = () => {};
  await expect(told(1, given)).rejects.toMatchObject({ message: expect.stringMatching(message) });
});

test.each(["no JSON", "[]", '{"objects":7}', '{"missed":"all"}', "null"])(
  "%s is not accepted as a message of a daemon",
  async (message) => {
    onViewer = (socket) => socket.send(message);
    const run = told(1).then((all) => all.flatMap(({ lines, missed }) => [lines.length, missed]));
    await expect(run.catch(({ code }: { code: string }) => code)).resolves.toEqual(
      message === "[]" ? [0, 0] : "no-daemon",
    );
  },
);

test("a missing daemon is reported at once in one sentence", async () => {
  const address = daemonAddress("http://127.0.0.1:1", undefined);
  await expect(told(1, { address })).rejects.toMatchObject({
    code: "no-daemon",
    message: expect.stringMatching(/ECONNREFUSED/),
  });
});

test.each(["127.0.0.1:9", "ftp://a", "", "http://"])("the address %j is refused", (text) => {
  expect(() => daemonAddress(text, undefined)).toThrow(/must be an address such as/);
});

test("the name and password in an address are sent as credentials, and not shown", () => {
  const { base, headers } = daemonAddress("https://me:p%40ss@host/m?x#y", undefined);
  expect(base.href).toBe("https://host/m/");
  expect(headers).toEqual({ authorization: `Basic ${Buffer.from("me:p@ss").toString("base64")}` });
});
