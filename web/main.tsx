import { render } from "preact";
import { FilesView } from "./files.js";
import { Header } from "./header.js";
import { LiveView } from "./live.js";
import { NodeView } from "./node.js";
import { OverviewView } from "./overview.js";
import { place } from "./place.js";
import { titled } from "./polling.js";

function View() {
  const { view, slug } = place.value;
  if (view === "node") return <NodeView key={slug} slug={slug} />;
  if (view === "live") return <LiveView />;
  if (view === "files") return <FilesView />;
  return <OverviewView />;
}

function Page() {
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

const names = { overview: "Overview", live: "Live traces", files: "Files" };
titled(() => {
  const { view, slug } = place.value;
  return `${view === "node" ? slug : names[view]} – Muninn`;
});

const box = document.getElementById("page")!;
box.textContent = "";
render(<Page />, box);
