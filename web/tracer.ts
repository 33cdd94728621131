import { computed } from "@preact/signals";
import type { Overview } from "../src/ui/answers.js";
import { Polled } from "./polling.js";

/** How the tracer is: shown on top of every view. */
export const tracer = new Polled<Overview>("/api/overview");

export const overview = tracer.answer;
export const trouble = tracer.trouble;

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
