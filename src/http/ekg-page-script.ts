/**
 * The script of a node's live page. It keeps the recent past of each metric itself, so that the daemon keeps nothing
 * for pages; only the plots of rows in sight are drawn. Names and texts of peers reach the page as text nodes only.
 */
export const livePageScript = `
"use strict";
(() => {
  const kept = 180;
  const leastSpan = 60;
  const plotWidth = 180;
  const plotHeight = 30;
  const svgNamespace = "http://www.w3.org/2000/svg";
  const list = document.getElementById("metrics");
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const state = document.getElementById("state");
  const rows = new Map();

  const inSight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const row = rows.get(target.dataset.name);
      if (row === undefined || row.item !== target) continue;
      row.inSight = isIntersecting;
      if (isIntersecting) draw(row);
    }
  }, { rootMargin: "200px" });

  function element(tag, className, text) {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function addRow(name) {
    const item = document.createElement("li");
    item.dataset.name = name;
    const value = element("output", "value", "");
    const plot = document.createElementNS(svgNamespace, "svg");
    plot.setAttribute("viewBox", "0 0 " + plotWidth + " " + plotHeight);
    plot.setAttribute("preserveAspectRatio", "none");
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", "recent past of " + name);
    const line = document.createElementNS(svgNamespace, "polyline");
    plot.append(line);
    item.append(element("span", "name", name), value, plot);
    const row = { name, item, value, line, text: "", past: [], inSight: false };
    rows.set(name, row);
    inSight.observe(item);
    return row;
  }

  function removeRow(row) {
    inSight.unobserve(row.item);
    row.item.remove();
    rows.delete(row.name);
  }

  function draw(row) {
    const numbers = row.past.filter(Number.isFinite);
    if (numbers.length < 2) return row.line.removeAttribute("points");
    const least = Math.min(...numbers);
    const most = Math.max(...numbers);
    const scale = most === least ? 0 : (plotHeight - 4) / (most - least);
    const middle = scale === 0 ? plotHeight / 2 - 2 : 0;
    const span = Math.max(leastSpan, row.past.length);
    const step = plotWidth / (span - 1);
    const offset = span - row.past.length;
    const points = [];
    row.past.forEach((number, index) => {
      if (!Number.isFinite(number)) return;
      points.push(((offset + index) * step).toFixed(2) + "," + (plotHeight - 2 - middle - (number - least) * scale).toFixed(2));
    });
    row.line.setAttribute("points", points.join(" "));
  }

  function show() {
    const words = search.value.toLowerCase().split(/\\s+/).filter((word) => word !== "");
    let shown = 0;
    for (const { name, item } of rows.values()) {
      const lower = name.toLowerCase();
      item.hidden = !words.every((word) => lower.includes(word));
      if (!item.hidden) shown += 1;
    }
    count.textContent = shown === rows.size ? rows.size + " metrics" : shown + " of " + rows.size + " metrics";
  }

  function take(update) {
    if (update.absent) {
      state.textContent = "the node is not connected";
      return;
    }
    state.textContent = "live";
    const before = rows.size;
    let added = 0;
    if (update.whole) {
      const names = new Set(update.metrics.map(([name]) => name));
      for (const row of [...rows.values()]) if (!names.has(row.name)) removeRow(row);
    }
    for (const [name, type, text] of update.metrics) {
      let row = rows.get(name);
      if (row === undefined) {
        row = addRow(name);
        added += 1;
      }
      row.text = text;
      row.number = type === "l" && text.trim() === "" ? NaN : Number(text);
      row.value.textContent = text;
    }
    for (const row of rows.values()) {
      row.past.push(row.number);
      if (row.past.length > kept) row.past.shift();
      if (row.inSight) draw(row);
    }
    if (added > 0) {
      const sorted = [...rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      list.append(...sorted.map((row) => row.item));
    }
    if (added > 0 || rows.size !== before) show();
  }

  let pause = 1000;
  function connect() {
    const address = new URL(location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.hash = "";
    const socket = new WebSocket(address);
    socket.onmessage = (message) => {
      pause = 1000;
      take(JSON.parse(message.data));
    };
    socket.onclose = () => {
      state.textContent = "connection lost, retrying";
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, 30000);
    };
  }

  search.addEventListener("input", show);
  connect();
})();
`;
