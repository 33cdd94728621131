/** Pause between two attempts, in milliseconds. */
const pauseMs = 20;

/**
 * Calls `check` until it neither throws nor rejects, and resolves with its result.
 * @throws the last failure, when `withinMs` have passed
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { withinMs = 30_000 }: { readonly withinMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
