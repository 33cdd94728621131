export interface LastResortOptions {
  /** Milliseconds from now until the process has to be gone. */
  readonly afterMs: number;
  /** What is still to be said; bounded by whoever says it. */
  readonly onEnd: () => Promise<void>;
  /** @default by SIGKILL */
  readonly end?: () => void;
}

/**
 * Ends the process where it is still there after so long: a call to a file system that hangs keeps a thread, and neither
 * the end of the event loop nor `exit` goes past it. The timer keeps no process alive that could end by itself.
 */
export function openLastResort({ afterMs, onEnd, end = kill }: LastResortOptions): void {
  setTimeout(() => {
    void onEnd().finally(end);
  }, afterMs).unref();
}

function kill(): void {
  process.kill(process.pid, "SIGKILL");
  // The kernel spares the first process of a container that signal from itself, but not this one.
  process.abort();
}
