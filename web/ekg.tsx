import { useEffect, useMemo } from "preact/hooks";
import { EkgFeed } from "./ekg-feed.js";
import { Metrics } from "./metrics.js";

/** The page of one node at the port of `hasEKG`: only its metrics. */
export function EkgPage({ node }: { node: string }) {
  const feed = useMemo(() => new EkgFeed(), []);
  useEffect(() => () => feed.stop(), [feed]);
  return (
    <>
      <header>
        <nav aria-label="Views">
          <a href="/">‹ All nodes</a>
        </nav>
        <h1>{node}</h1>
        <p class={feed.isLive.value ? "state" : "state failing"} role="status">
          {feed.state.value}
        </p>
      </header>
      <main id="main" tabIndex={-1}>
        <Metrics metrics={feed.metrics.value} past={feed.past} />
      </main>
    </>
  );
}
