/** What a path says of a node: `/slug`, or `/slug/rest`. */
export interface NodePath {
  readonly slug: string;
  readonly rest: string | undefined;
}

/** Percent signs stand for bytes of UTF-8, as monitoring guides write slugs; undefined if they do not. */
export function nodePath(path: string): NodePath | undefined {
  const [, slug = "", rest] = /^\/([^/]*)(?:\/(.*))?$/s.exec(path) ?? [];
  try {
    return { slug: decodeURIComponent(slug), rest: rest === undefined ? rest : decodeURIComponent(rest) };
  } catch {
    return undefined;
  }
}
