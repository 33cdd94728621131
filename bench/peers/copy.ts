import { join } from "node:path";
import { listenAsAcceptor } from "./acceptor.js";
import { WaitingLines } from "./waiting-lines.js";

// The limit: takes replies of known length and writes their bytes as they come, without a look at them.

const [socketPath, directory] = process.argv.slice(2) as [string, string];
const [requestCount, requestsAhead, replyBytes] = process.argv.slice(4).map(Number) as [
  number,
  number,
  number,
];

listenAsAcceptor(socketPath, requestCount, async (node, ask) => {
  const file = await WaitingLines.keptOpen(join(directory, `node-${node}.bin`));
  let received = 0;
  let asked = 0;
  const receive = (chunk: Uint8Array) => {
    received += chunk.length;
    for (; asked < Math.floor(received / replyBytes) + requestsAhead; asked += 1) ask();
    void file.append(chunk);
  };
  receive(new Uint8Array(0));
  return receive;
});
