import { signal } from "@preact/signals";

const query = matchMedia("(max-width: 44rem)");

/** Whether the window is as narrow as a phone: rows then have several lines. */
export const isNarrow = signal(query.matches);
query.addEventListener("change", ({ matches }) => {
  isNarrow.value = matches;
});
