import type { Sink } from "./sink.js";

/** Opens sinks one after another; if some cannot be opened, those before them are stopped. @throws what an opening throws */
export async function openInOrder(openings: readonly (() => Promise<readonly Sink[]>)[]): Promise<Sink[]> {
  const sinks: Sink[] = [];
  try {
    for (const open of openings) sinks.push(...(await open()));
  } catch (error) {
    await Promise.allSettled(sinks.map((sink) => sink.stop({ deadlineMs: 0 })));
    throw error;
  }
  return sinks;
}
