import { createHash } from "node:crypto";

/** Longest directory name in bytes; file systems allow 255, and a clash appends a connection id. */
const maxDirectoryBytes = 200;
/** Most bytes (UTF-8) of a node's own name; the rest is ignored. */
const maxNameBytes = 256;

/** A node's three names, before other nodes' names are considered. */
export interface RequestedNames {
  readonly name: string;
  readonly directory: string;
  readonly slug: string;
}

/**
 * The names of a node that calls itself `rawName`, or of the connection if that leaves nothing.
 *
 * Rules of cardano-tracer for the name, the directory and the slug (see docs/migrating.md); a name never leads outside
 * `logRoot` and never to a file of our own there.
 */
export function requestedNames(rawName: string | undefined, connectionId: string): RequestedNames {
  const name = sanitiseName(fitted(rawName ?? "", maxNameBytes)) || connectionId;
  return {
    name,
    directory: directoryOf(name) ?? connectionId,
    slug: slugOf(name) || slugOf(connectionId),
  };
}

/** The names of a node whose directory is taken: its connection's id is appended to all of them. */
export function withSuffix(wanted: RequestedNames, suffix: string): RequestedNames {
  return {
    name: `${wanted.name}_${suffix}`,
    directory: fitted(`${wanted.directory}_${suffix}`, maxDirectoryBytes),
    slug: `${wanted.slug}-${slugOf(suffix)}`,
  };
}

/** The names of a node of which only the slug is taken: everything else is unchanged. */
export function withSlugSuffix(wanted: RequestedNames, suffix: string): RequestedNames {
  return { ...wanted, slug: `${wanted.slug}-${slugOf(suffix)}` };
}

function sanitiseName(rawName: string): string {
  return trimmed(
    rawName
      // A lone surrogate cannot reach us through valid UTF-8, but can through a JSON escape; no file system takes it.
      .replace(/\p{Cs}/gu, "_")
      .replace(/["':@\s\p{Cc}]/gu, "_")
      .replace(/[?*]/g, ""),
  );
}

const letterOrDigit = /[\p{L}\p{N}]/u;

/** Removes everything before the first letter or digit and after the last. One pattern for both ends takes quadratic time. */
function trimmed(text: string): string {
  const characters = [...text];
  const start = characters.findIndex((character) => letterOrDigit.test(character));
  const end = characters.findLastIndex((character) => letterOrDigit.test(character));
  return start === -1 ? "" : characters.slice(start, end + 1).join("");
}

function directoryOf(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf("/") + 1);
  if (last === "" || last === "." || last === ".." || last.startsWith(".muninn")) return undefined;
  return fitted(last, maxDirectoryBytes);
}

/** Cuts a longer text at a character and makes it unique again with a short hash of the whole. */
function fitted(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= maxBytes) return text;
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  let end = maxBytes - hash.length - 1;
  while ((bytes[end]! & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString("utf8", 0, end)}_${hash}`;
}

/** `127.0.0.1_30004` → `127001-30004`, `Relay_1` → `relay-1`; empty if no ASCII letter or digit is left. */
function slugOf(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\s_-]+/g, "-")
    .replace(/[^a-z0-9-]/g, "")
    .slice(0, maxDirectoryBytes)
    .replace(/^-+/, "")
    .replace(/(?<!-)-+$/, "");
}
