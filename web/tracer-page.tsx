import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { FilesView } from "./files.js";
import { Header } from "./header.js";
import { LiveView } from "./live.js";
import { NodeView } from "./node.js";
import { OverviewView } from "./overview.js";
import { type Place, place } from "./place.js";
import { tracer } from "./tracer.js";

/** The page at `muninn.ui`. */
export function TracerPage() {
  useEffect(() => {
    tracer.start();
    return () => tracer.stop();
  }, []);
  useSignalEffect(() => {
    document.title = `${nameOf(place.value)} – Muninn`;
  });
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to content
      </button>
      <Header />
      <main id="main" class={place.value.view} tabIndex={-1}>
        <View />
      </main>
    </>
  );
}

function View() {
  const { view, slug } = place.value;
  if (view === "node") return <NodeView key={slug} slug={slug} />;
  if (view === "live") return <LiveView />;
  if (view === "files") return <FilesView />;
  return <OverviewView />;
}

const names = { overview: "Overview", live: "Live traces", files: "Files" };

/** The name of a view, for the browser's tab. */
function nameOf({ view, slug }: Place): string {
  return view === "node" ? slug : names[view];
}
