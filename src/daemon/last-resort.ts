export interface LastResortOptions {
  /** Milliseconds from now until the process must have ended. */
  readonly afterMs: number;
  /** Writes the last log lines; it must end in bounded time. */
  readonly onEnd: () => Promise<void>;
  /** @default by SIGKILL */
  readonly end?: () => void;
}

/**
 * Ends the process if it still runs after this time: a file-system call that hangs holds a thread, which neither the end
 * of the event loop nor `exit` can get past. The timer does not keep a process alive that could end by itself.
 */
export function openLastResort({ afterMs, onEnd, end = kill }: LastResortOptions): void {
  setTimeout(() => {
    void onEnd().finally(end);
  }, afterMs).unref();
}

function kill(): void {
  process.kill(process.pid, "SIGKILL");
  // The first process of a container is immune to its own SIGKILL, but not to SIGABRT.
  process.abort();
}
