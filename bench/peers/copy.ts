import { join } from "node:path";
import { listenAsAcceptor } from "./acceptor.js";
import { WaitingLines } from "./waiting-lines.js";

// The limit: receives replies of known length and writes their bytes as they arrive, without reading them. It paces its requests
// as Muninn does: the next one when a reply is written.

const [socketPath, directory] = process.argv.slice(2) as [string, string];
const [requestCount, requestsAhead, replyBytes] = process.argv.slice(4).map(Number) as [
  number,
  number,
  number,
];

listenAsAcceptor(socketPath, requestCount, async (node, ask) => {
  const file = await WaitingLines.keptOpen(join(directory, `node-${node}.bin`));
  let written = 0;
  let asked = 0;
  const askAgain = () => {
    const more = Math.floor(written / replyBytes) + requestsAhead - asked;
    if (more > 0) ask(more);
    asked += more;
  };
  askAgain();
  return async (chunk) => {
    await file.append(chunk);
    written += chunk.length;
    askAgain();
  };
});
