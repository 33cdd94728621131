import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

const everyMs = 2_000;

/** Asks for JSON again and again, from `start` to `stop`, while the page is visible. */
export class Polled<Answer> {
  readonly answer = signal<Answer | undefined>(undefined);
  /** Why the last request failed. */
  readonly trouble = signal<string | undefined>(undefined);
  readonly #path: string;
  readonly #pauseMs: number;
  #stopping = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string, pauseMs = everyMs) {
    this.#path = path;
    this.#pauseMs = pauseMs;
  }

  start(): void {
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    const onVisible = () => {
      if (!document.hidden) void this.#ask(signal);
    };
    document.addEventListener("visibilitychange", onVisible, { signal });
    void this.#ask(signal);
  }

  stop(): void {
    this.#stopping.abort();
    clearTimeout(this.#timer);
  }

  async #ask(signal: AbortSignal): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const response = await fetch(this.#path, { signal });
      if (!response.ok)
        throw new Error(response.status === 404 ? "not known (or no longer)" : `status ${response.status}`);
      this.answer.value = (await response.json()) as Answer;
      this.trouble.value = undefined;
    } catch (error) {
      if (signal.aborted) return;
      this.trouble.value =
        error instanceof TypeError ? "connection lost, retrying" : (error as Error).message;
    }
    if (!document.hidden && !signal.aborted) this.#timer = setTimeout(() => this.#ask(signal), this.#pauseMs);
  }
}

/** What a view polls while it is shown. */
export function usePolled<Answer>(path: string, pauseMs?: number): Polled<Answer> {
  const polled = useMemo(() => new Polled<Answer>(path, pauseMs), [path, pauseMs]);
  useEffect(() => {
    polled.start();
    return () => polled.stop();
  }, [polled]);
  return polled;
}
