/** Resolves when `work` has settled, or after this many milliseconds. Never rejects. */
export async function settledWithin(work: Promise<unknown> | undefined, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([Promise.resolve(work).catch(() => {}), deadline]);
  clearTimeout(timer);
}
