import { signal } from "@preact/signals";

const query = matchMedia("(max-width: 44rem)");

/** Whether the window is a phone's: rows then have two lines. */
export const isNarrow = signal(query.matches);
query.addEventListener("change", ({ matches }) => {
  isNarrow.value = matches;
});
