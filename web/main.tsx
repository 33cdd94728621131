import { render } from "preact";
import { EkgPage } from "./ekg.js";
import { TracerPage } from "./tracer-page.js";

const box = document.getElementById("page")!;
const ekgNode = document.querySelector<HTMLMetaElement>('meta[name="ekg-node"]');
box.textContent = "";
render(ekgNode === null ? <TracerPage /> : <EkgPage node={ekgNode.content} />, box);
