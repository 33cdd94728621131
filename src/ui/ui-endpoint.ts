import { type Answer, busyAnswer, jsonAnswer } from "../http/answer.js";
import { builtPage } from "../http/built-page.js";
import type { EndpointOptions, EndpointRequest } from "../http/endpoint-options.js";
import { type EndpointServer, openEndpointServer } from "../http/endpoint-server.js";
import { nodePath } from "../http/node-path.js";
import type { LiveSink } from "../sinks/live/live-sink.js";
import type { FilesOverview } from "./answers.js";
import { LiveSockets } from "./live-sockets.js";
import { type UiSources, Views } from "./views.js";

const withoutScript = "This page needs JavaScript; <code>/api/overview</code> has the same as JSON.";

/** How long a list of the files is reused, in milliseconds. */
const filesKeptMs = 5_000;

export interface UiOptions extends EndpointOptions {
  readonly sources: UiSources;
  readonly sink: LiveSink;
}

/** Serves the page (`muninn.ui`) and what it shows, see docs/ui.md. */
export function openUiEndpoint(options: UiOptions): Promise<EndpointServer> {
  const { sources, sink } = options;
  const sockets = new LiveSockets(sink);
  return openEndpointServer({
    ...options,
    route: uiRoute(new Views(sources)),
    upgrade: (message, socket, head, path) =>
      path === "/api/live" ? sockets.take(message, socket, head) : 404,
    onStop: () => sockets.stop(),
  });
}

function uiRoute(views: Views): (request: EndpointRequest) => Promise<Answer | undefined> {
  const files = sharedFor(filesKeptMs, () => views.files());
  return async (request) => {
    const { path } = request;
    if (path === "/") return builtPage(request, { title: "Muninn", withoutScript });
    if (path === "/api/overview") return overview(request, views);
    if (path === "/api/files") return listing(request, await files());
    if (path.startsWith("/api/node/")) return oneNode(request, views, path.slice("/api/node".length));
    if (path.startsWith("/api/history/")) return oneHistory(views, path.slice("/api/history".length));
    return undefined;
  };
}

async function oneHistory(views: Views, path: string): Promise<Answer | undefined> {
  const { slug, rest } = nodePath(path) ?? {};
  if (slug === undefined || rest === undefined) return undefined;
  const history = await views.history(slug, rest);
  return history && jsonAnswer(200, history);
}

async function overview({ gzip, bodies }: EndpointRequest, views: Views): Promise<Answer> {
  return made(
    await bodies.get({
      key: "overview",
      version: undefined,
      gzip,
      make: () => ({ bytes: 20_000 + views.knownNodes * 1_000, pieces: () => views.overview() }),
    }),
  );
}

async function listing({ gzip, bodies }: EndpointRequest, files: Listing): Promise<Answer> {
  const { logs } = files.found;
  const listed = logs.reduce((sum, log) => sum + log.files.length, logs.length);
  return made(
    await bodies.get({
      key: "files",
      version: files.version,
      gzip,
      make: () => ({ bytes: 1_000 + listed * 1_000, pieces: () => filePieces(files.found) }),
    }),
  );
}

/** A log each. */
function* filePieces({ logs, ...rest }: FilesOverview): Generator<string> {
  yield `${JSON.stringify(rest).slice(0, -1)},"logs":[`;
  for (const [index, log] of logs.entries()) yield `${index === 0 ? "" : ","}${JSON.stringify(log)}`;
  yield "]}";
}

async function oneNode(
  { gzip, bodies }: EndpointRequest,
  views: Views,
  path: string,
): Promise<Answer | undefined> {
  const { slug, rest } = nodePath(path) ?? {};
  if (slug === undefined || rest !== undefined) return undefined;
  const node = await views.node(slug);
  if (node === undefined) return undefined;
  return made(await bodies.get({ key: `node ${slug}`, version: undefined, gzip, make: () => node }));
}

function made(body: Answer["body"] | undefined): Answer {
  return body === undefined ? busyAnswer() : { status: 200, contentType: "application/json", body };
}

interface Listing {
  readonly found: FilesOverview;
  /** Another one for each listing. */
  readonly version: number;
}

/**
 * A list is reused for a while, and no two are made at the same time: reading many directories takes long, and on a disk
 * that hangs each would hold one of the threads that write logs.
 */
function sharedFor(keptMs: number, find: () => Promise<FilesOverview>): () => Promise<Listing> {
  let listing: Promise<Listing> | undefined;
  let isFinding = false;
  let version = 0;
  let foundAt = 0;
  return () => {
    const now = performance.now();
    if (listing === undefined || (!isFinding && now - foundAt > keptMs)) {
      foundAt = now;
      isFinding = true;
      version += 1;
      const own = version;
      listing = find()
        .then((found) => ({ found, version: own }))
        .finally(() => {
          isFinding = false;
        });
    }
    return listing;
  };
}
