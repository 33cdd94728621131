import type { NodeIdentity } from "../nodes/identity.js";
import type { Answer } from "./answer.js";
import { livePageScript } from "./ekg-page-script.js";
import { escapeHtml, PageTemplate } from "./html.js";
import { pageStyle } from "./page-style.js";

const template = new PageTemplate({ style: pageStyle, script: livePageScript });

/** The live page of one node; what it shows comes later, by WebSocket at the page's own address. */
export function ekgPage(node: NodeIdentity): Answer {
  return template.page(
    `${node.name} – EKG`,
    `<main>
<h1><a href="/" aria-label="All nodes">‹</a> ${escapeHtml(node.name)}</h1>
<div class="bar">
<input id="search" type="search" placeholder="Search metrics" aria-label="Search metrics" autocomplete="off">
<span id="count"></span>
<span id="state" role="status">connecting …</span>
</div>
<ul id="metrics"></ul>
<noscript><p>This page needs JavaScript; with the header <code>Accept: application/json</code> its address gives the same values.</p></noscript>
</main>`,
  );
}
