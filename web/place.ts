import { signal } from "@preact/signals";

/** What the page shows, as its address says: `#/live?node=relay-1`. The address can be sent to others. */
export interface Place {
  readonly view: "overview" | "node" | "live" | "files";
  readonly slug: string;
  readonly parameters: URLSearchParams;
}

export const place = signal(placeOf(location.hash));
addEventListener("hashchange", () => {
  place.value = placeOf(location.hash);
});

function placeOf(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parameters = new URLSearchParams(query);
  const [view = "", slug = ""] = path.split("/");
  if (view === "node" && slug !== "") return { view, slug: decoded(slug), parameters };
  if (view === "live" || view === "files") return { view, slug: "", parameters };
  return { view: "overview", slug: "", parameters };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function nodeAddress(slug: string): string {
  return `#/node/${encodeURIComponent(slug)}`;
}

export function liveAddress(parameters: URLSearchParams | Record<string, string>): string {
  const query = new URLSearchParams(parameters).toString();
  return query === "" ? "#/live" : `#/live?${query}`;
}

/** Changes the address without a new entry in the browser's history. */
export function changeParameters(parameters: URLSearchParams): void {
  history.replaceState(undefined, "", liveAddress(parameters));
  place.value = placeOf(location.hash);
}
