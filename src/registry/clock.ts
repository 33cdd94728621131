/** The registry's clock, which a test can replace. */
export interface Clock {
  /** Milliseconds since 1970; may jump either way. Used for the names and ages of files. */
  now(): number;
  /** Milliseconds that only grow. Used for pauses, idleness and the pace of rotation. */
  monotonic(): number;
  /** Calls `action` once after this many milliseconds; returns a function that prevents it. */
  after(milliseconds: number, action: () => void): () => void;
  /** Calls `action` at this interval in milliseconds; returns a function that ends it. Keeps no process alive. */
  every(milliseconds: number, action: () => void): () => void;
}

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
  every: (milliseconds, action) => {
    const timer = setInterval(action, milliseconds).unref();
    return () => clearInterval(timer);
  },
};

/** Resolves when `work` has settled, or this many milliseconds have passed; it never rejects. */
export async function within(clock: Clock, milliseconds: number, work: Promise<unknown>): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = clock.after(milliseconds, resolve);
    const settled = () => {
      cancel();
      resolve();
    };
    work.then(settled, settled);
  });
}
