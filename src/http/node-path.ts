/** The node that a path names: `/slug`, or `/slug/rest`. */
export interface NodePath {
  readonly slug: string;
  readonly rest: string | undefined;
}

/** Decodes percent-encoded UTF-8, as monitoring guides write slugs; undefined if it is invalid. */
export function nodePath(path: string): NodePath | undefined {
  const [, slug = "", rest] = /^\/([^/]*)(?:\/(.*))?$/s.exec(path) ?? [];
  try {
    return { slug: decodeURIComponent(slug), rest: rest === undefined ? rest : decodeURIComponent(rest) };
  } catch {
    return undefined;
  }
}
