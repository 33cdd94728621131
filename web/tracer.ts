import { computed } from "@preact/signals";
import type { Overview } from "../src/ui/answers.js";
import { poll } from "./polling.js";

/** How the tracer is: shown on top of every view. */
const polled = poll<Overview>("/api/overview");

export const overview = polled.answer;
export const trouble = polled.trouble;

/** All nodes together. */
export const rateOfAll = computed(() =>
  (overview.value?.nodes ?? []).reduce((sum, { rate }) => sum + rate, 0),
);

export const droppedInAll = computed(() =>
  (overview.value?.totals ?? []).reduce((sum, { dropped }) => sum + dropped, 0),
);

/** Objects that came: each goes to every sink, and not all sinks want each. */
export const receivedInAll = computed(() =>
  (overview.value?.totals ?? []).reduce((most, { received }) => Math.max(most, received), 0),
);
