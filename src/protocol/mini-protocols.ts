/** Numbers of the mini-protocols that a connection carries, as in each segment's header. */
export const miniProtocols = { handshake: 0, metrics: 1, traceObjects: 2, dataPoints: 3 } as const;

export type MiniProtocol = (typeof miniProtocols)[keyof typeof miniProtocols];

const numbers: ReadonlySet<number> = new Set(Object.values(miniProtocols));

export function isMiniProtocol(number: number): number is MiniProtocol {
  return numbers.has(number);
}
