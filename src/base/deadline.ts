/**
 * Waits for `work` to settle, this many milliseconds at most; resolves with whether it has. Never rejects. The process stays
 * alive meanwhile.
 */
export function settledWithin(work: Promise<unknown> | undefined, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    const settled = () => {
      clearTimeout(timer);
      resolve(true);
    };
    Promise.resolve(work).then(settled, settled);
  });
}
