/** Pause between two tries, in milliseconds. */
const pauseMs = 20;

/**
 * Tries until `check` neither throws nor rejects, and resolves with what it returned.
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
