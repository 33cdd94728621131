/**
 * The style that all pages share: colours, light or dark like the device, text and controls. The pages built from `web/` begin
 * with it, too (web/rolldown.config.ts).
 */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#ffffff, #14171c);
  --raised: light-dark(#f3f5f8, #1d2229);
  --text: light-dark(#1a1d21, #e6e9ed);
  --quiet: light-dark(#566070, #a3adba);
  --line: light-dark(#cfd6de, #39414d);
  --accent: light-dark(#155a9c, #86b9f5);
  --good: light-dark(#1b6e3c, #6fd096);
  --warn: light-dark(#8a5300, #f0b45a);
  --bad: light-dark(#b3261e, #ff8f86);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 0.95rem/1.4 system-ui, sans-serif; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
h1, h2 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1rem; }
button, input, select {
  font: inherit;
  color: inherit;
  background: var(--ground);
  border: 1px solid var(--line);
  border-radius: 0.35rem;
  padding: 0.3rem 0.6rem;
  min-width: 0;
  max-width: 100%;
}
button { cursor: pointer; }
button[aria-pressed="true"] { background: var(--accent); color: var(--ground); }
::placeholder { color: var(--quiet); opacity: 1; }
.quiet { color: var(--quiet); }
.ok { color: var(--good); }
.degraded { color: var(--warn); }
.failing { color: var(--bad); }
`;

/** For pages without a script: a column of text and lists. */
export const plainPageStyle = `${pageStyle}
main { margin: 0 auto; max-width: 64rem; padding: 1rem; overflow-wrap: anywhere; }
h1 { margin: 0 0 0.75rem; }
ul { list-style: none; margin: 0; padding: 0; }
.nodes a { display: block; padding: 0.7rem 0.2rem; border-bottom: 1px solid var(--line); }
`;
