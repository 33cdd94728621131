import type { IncomingMessage } from "node:http";

/** The path that a request asks for, without query and trailing slashes; undefined if its target is none. */
export function pathOf(message: IncomingMessage): string | undefined {
  const target = message.url ?? "";
  let path = /^[^?#]*/.exec(target)![0];
  if (!path.startsWith("/")) {
    // A client that treats us as a proxy sends a whole URL.
    if (!URL.canParse(target)) return undefined;
    path = new URL(target).pathname;
  }
  let end = path.length;
  while (end > 1 && path[end - 1] === "/") end -= 1;
  return path.slice(0, end);
}
