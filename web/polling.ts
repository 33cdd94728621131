import { effect, type Signal, signal } from "@preact/signals";

const everyMs = 2_000;

/** What was asked for last, and how the asking goes. */
export interface Polled<Answer> {
  readonly answer: Signal<Answer | undefined>;
  /** Why the last question was not answered. */
  readonly trouble: Signal<string | undefined>;
  readonly stop: () => void;
}

/** Asks for JSON again and again, while the page is in sight. */
export function poll<Answer>(path: string, pauseMs = everyMs): Polled<Answer> {
  const answer = signal<Answer | undefined>(undefined);
  const trouble = signal<string | undefined>(undefined);
  const stopping = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const ask = async () => {
    clearTimeout(timer);
    try {
      const response = await fetch(path, { signal: stopping.signal });
      if (!response.ok)
        throw new Error(response.status === 404 ? "not known (or no longer)" : `status ${response.status}`);
      answer.value = (await response.json()) as Answer;
      trouble.value = undefined;
    } catch (error) {
      if (stopping.signal.aborted) return;
      trouble.value = error instanceof TypeError ? "connection lost, retrying" : (error as Error).message;
    }
    if (!document.hidden && !stopping.signal.aborted) timer = setTimeout(ask, pauseMs);
  };
  const onVisible = () => {
    if (!document.hidden) void ask();
  };
  document.addEventListener("visibilitychange", onVisible);
  void ask();
  return {
    answer,
    trouble,
    stop: () => {
      stopping.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    },
  };
}

/** The title of the tab follows what is shown. */
export function titled(title: () => string): void {
  effect(() => {
    document.title = title();
  });
}
