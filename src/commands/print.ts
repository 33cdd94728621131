/**
 * Writes to stdout. The reader may have seen enough (`muninn check -c FILE | head`): the rest is not needed then,
 * and no fault. The daemon writes its log another way.
 */
export function print(text: string): void {
  if (process.stdout.listenerCount("error") === 0) process.stdout.on("error", ignoreClosedPipe);
  process.stdout.write(text);
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}
