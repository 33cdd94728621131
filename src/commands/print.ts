/**
 * Writes to stdout. The reader may stop early (`muninn check -c FILE | head`): then the rest is not needed, and that is not
 * an error. The daemon writes its log in another way.
 */
export function print(text: string): void {
  if (process.stdout.listenerCount("error") === 0) process.stdout.on("error", ignoreClosedPipe);
  process.stdout.write(text);
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}
