/** Microseconds of processor time that all threads of this process use for `work`; other processes do not count. */
export async function cpuMicros(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
