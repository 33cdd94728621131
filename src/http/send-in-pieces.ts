import type { ServerResponse } from "node:http";
import { loopSlices } from "./loop-slices.js";

/**
 * Sends the body of an answer and ends it. A piece is written once the one before is sent, alternating with pieces of other
 * answers, so that many clients reading something large at the same time do not block the event loop.
 */
export function sendInPieces(response: ServerResponse, pieces: readonly Buffer[]): void {
  let index = 0;
  const send = (): void => {
    const piece = pieces[index];
    index += 1;
    if (index >= pieces.length) response.end(piece);
    else if (response.write(piece)) loopSlices.run(send);
    else response.once("drain", () => loopSlices.run(send));
  };
  send();
}
