/** Numbers of the mini-protocols that a connection carries, as in each segment's header. */
export const miniProtocols = { handshake: 0, metrics: 1, traceObjects: 2, dataPoints: 3 } as const;

export type MiniProtocol = (typeof miniProtocols)[keyof typeof miniProtocols];

export function isMiniProtocol(number: number): number is MiniProtocol {
  return number <= miniProtocols.dataPoints;
}
