import { createServer, type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { WebSocketServer } from "ws";
import type { WebSocketAddress } from "../address.js";
import { type Admission, admit } from "./access.js";
import { type Candidate, Entrance } from "./entrance.js";
import type { Arrival, DoorCredentials, LinkServer, ListenOptions, Refusal } from "./link.js";
import { RequestHead } from "./request-head.js";
import { subjectOf, TlsServer } from "./tls-server.js";
import { WebSocketStream } from "./websocket-stream.js";

/** Listens for WebSockets at the path of the address; everything else is refused before the upgrade. @throws TransportError */
export async function listenForWebSockets(
  address: WebSocketAddress,
  options: ListenOptions,
  onArrival: (arrival: Arrival) => void,
): Promise<LinkServer<WebSocketAddress>> {
  let credentials: DoorCredentials = options.credentials ?? { access: [] };
  const { chunks = "given" } = options;
  const isSecure = address.kind === "wss";
  const candidates = new WeakMap<Duplex, Candidate>();
  const headOf = ({ socket }: IncomingMessage) => socket as Duplex as RequestHead;
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
  });
  const candidateOf = ({ socket, headers }: IncomingMessage) => {
    const candidate = candidates.get(socket);
    candidate?.forwarded([headers["x-forwarded-for"]].flat().join(","));
    return candidate;
  };
  const http = createServer();
  http.on("clientError", (error, stream) => {
    const head = stream as Duplex as RequestHead;
    candidates.get(head)?.refuse("not-websocket", {
      detail: error.message,
      explain: () => answer(head, 400),
    });
  });
  const refusePlain = (request: IncomingMessage) => {
    candidateOf(request)?.refuse("not-websocket", { explain: () => answer(headOf(request), 426) });
  };
  // Whatever it expects, HTTP would answer that by itself.
  for (const event of ["request", "checkContinue", "checkExpectation"]) http.on(event, refusePlain);
  http.on("upgrade", (request) => {
    const candidate = candidateOf(request);
    if (candidate === undefined) return;
    const head = headOf(request);
    const { socket, rest } = head;
    const refuse = (reason: Refusal["reason"], status: number) =>
      candidate.refuse(reason, { explain: () => answer(head, status) });
    if (pathOf(request) !== address.path) return refuse("path", 404);
    const admission: Admission = admit(credentials.access, {
      token: tokenOf(request),
      subject: isSecure ? subjectOf(socket as TLSSocket) : undefined,
    });
    if ("refused" in admission)
      return entrance.mustWait(candidate.host) ? refuse("must-wait", 429) : refuse(admission.refused, 401);
    head.release();
    webSockets.handleUpgrade(request, socket, rest, (webSocket) => {
      candidate.admit();
      const { host: origin, peer } = candidate;
      const stream = new WebSocketStream(webSocket, socket, { peer: "client", chunks });
      onArrival({ stream, chunks, arrivesInPieces: true, origin, peer, ...admission });
    });
  });
  const takeRequest = (socket: Socket, candidate: Candidate) => {
    candidate.stage = "not-websocket";
    const head = new RequestHead(socket);
    candidates.set(head, candidate);
    http.emit("connection", head);
  };
  const tls = isSecure ? new TlsServer(credentials, takeRequest) : undefined;
  const entrance = new Entrance({ ...options, waitsOutside: isSecure }, (socket, candidate) => {
    if (tls === undefined) takeRequest(socket, candidate);
    else tls.enter(socket, candidate);
  });
  return Object.assign(await entrance.open(address), {
    setCredentials: (changed: DoorCredentials) => {
      tls?.setCredentials(changed);
      credentials = changed;
    },
  });
}

/** Answers, and drops whatever else arrives: a peer might not see the answer if some of that was left unread. */
function answer(head: RequestHead, status: number): void {
  const { socket } = head;
  head.release();
  // Then HTTP forgets it.
  socket.once("close", () => head.destroy());
  if (!socket.writable) return;
  const challenge = status === 401 ? "WWW-Authenticate: Bearer\r\n" : "";
  const offer = status === 426 ? "Upgrade: websocket\r\n" : "";
  const later = status === 429 ? "Retry-After: 60\r\n" : "";
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${challenge}${offer}${later}Connection: close\r\nContent-Length: 0\r\n\r\n`,
  );
}

/** Without query. */
function pathOf({ url = "" }: IncomingMessage): string {
  return url.replace(/\?.*$/s, "");
}

function tokenOf({ headers }: IncomingMessage): string | undefined {
  return /^bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];
}
