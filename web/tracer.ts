import { computed } from "@preact/signals";
import type { Overview } from "../src/ui/answers.js";
import { Polled } from "./polling.js";

/** The state of the tracer, shown at the top of every view. */
export const tracer = new Polled<Overview>("/api/overview");

export const overview = tracer.answer;
export const trouble = tracer.trouble;

/** Of all nodes together. */
export const rateOfAll = computed(() =>
  (overview.value?.nodes ?? []).reduce((sum, { rate }) => sum + rate, 0),
);

export const droppedInAll = computed(() =>
  (overview.value?.totals ?? []).reduce((sum, { dropped }) => sum + dropped, 0),
);

/** Received objects: each goes to every sink that wants it. */
export const receivedInAll = computed(() =>
  (overview.value?.totals ?? []).reduce((most, { received }) => Math.max(most, received), 0),
);
