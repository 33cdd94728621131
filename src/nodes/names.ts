import { createHash } from "node:crypto";

/** Longest directory name in bytes; file systems allow 255, and a clash appends a connection id. */
const maxDirectoryBytes = 200;

/** What a node is called in three places, before anybody else's name is considered. */
export interface WantedNames {
  readonly name: string;
  readonly directory: string;
  readonly slug: string;
}

/**
 * The names of a node that calls itself `rawName`, or of the connection where that leaves nothing.
 *
 * Rules of cardano-tracer for the name and the directory (see docs/migrating.md); a name never leads outside
 * `logRoot` and never to a file of our own there.
 */
export function wantedNames(rawName: string | undefined, connectionId: string): WantedNames {
  const name = sanitiseName(rawName ?? "");
  if (rawName === undefined || name === "") {
    return { name: connectionId, directory: connectionId, slug: slugOf(connectionId) };
  }
  return {
    name,
    directory: directoryOf(name) ?? connectionId,
    slug: slugOf(rawName) || slugOf(connectionId),
  };
}

/** The names with a connection id appended, for a node whose own names are taken. */
export function withSuffix(wanted: WantedNames, suffix: string): WantedNames {
  return {
    name: `${wanted.name}_${suffix}`,
    directory: fitted(`${wanted.directory}_${suffix}`),
    slug: `${wanted.slug}_${slugOf(suffix)}`,
  };
}

function sanitiseName(rawName: string): string {
  return (
    rawName
      // A lone surrogate cannot reach us through valid UTF-8, but can through a JSON escape; no file system takes it.
      .replace(/\p{Cs}/gu, "_")
      .replace(/["':@\s\p{Cc}]/gu, "_")
      .replace(/[?*]/g, "")
      .replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "")
  );
}

function directoryOf(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf("/") + 1);
  if (last === "" || last === "." || last === ".." || last.startsWith(".muninn")) return undefined;
  return fitted(last);
}

/** Cuts a longer name at a character and makes it unique again with a short hash of the whole. */
function fitted(directory: string): string {
  const bytes = Buffer.from(directory, "utf8");
  if (bytes.length <= maxDirectoryBytes) return directory;
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  let end = maxDirectoryBytes - hash.length - 1;
  while ((bytes[end]! & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString("utf8", 0, end)}_${hash}`;
}

/** Lower case, ASCII, white space → `-`; letters, digits, `_` and `-` remain: `127.0.0.1:30004` → `12700130004`. */
function slugOf(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .trim()
    .replace(/\s+/g, "-")
    .replace(/[^a-z0-9_-]/g, "")
    .slice(0, maxDirectoryBytes);
}
