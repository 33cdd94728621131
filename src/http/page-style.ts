/** The look of all pages: readable on a phone, light or dark as the device is. */
export const pageStyle = `
:root { color-scheme: light dark; --line: #8884; --accent: light-dark(#1f5fa8, #7fb4f0); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; font: 1rem/1.4 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.3rem; margin: 0 0 .75rem; }
a { color: var(--accent); }
ul { list-style: none; margin: 0; padding: 0; }
.nodes a { display: block; padding: .7rem .2rem; border-bottom: 1px solid var(--line); }
.bar { position: sticky; top: 0; display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; padding: .5rem 0; background: Canvas; }
.bar input { flex: 1 1 12rem; min-width: 0; font: inherit; padding: .5rem .7rem; border: 1px solid var(--line); border-radius: .4rem; }
.bar span { font-size: .85rem; opacity: .8; }
#metrics li { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 12rem) 11rem; gap: .25rem 1rem; align-items: center; padding: .4rem .2rem; border-bottom: 1px solid var(--line); min-height: 2.6rem; }
#metrics li[hidden] { display: none; }
#metrics .value { font-variant-numeric: tabular-nums; text-align: right; max-height: 6rem; overflow: auto; }
#metrics svg { width: 100%; height: 1.8rem; }
#metrics polyline { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
@media (max-width: 40rem) {
  #metrics li { grid-template-columns: minmax(0, 1fr); }
  #metrics .value { text-align: left; }
}
`;
