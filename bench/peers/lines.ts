import { connect } from "node:net";
import type { LoadCommand, LoadPlan, LoadReport } from "../harness/load-plan.js";
import { sampleObject } from "../harness/objects.js";

// Writes the lines of the same objects, each ended by a line feed, to a program that reads lines from its socket.

const retryMs = 20;

const plan = JSON.parse(process.argv[2]!) as LoadPlan;
const lines = Buffer.concat(
  Array.from({ length: plan.requestCount }, () => sampleObject(plan.objectBytes).line),
);

function report(message: LoadReport): void {
  process.send!(message);
}

function begin(): void {
  const socket = connect(plan.socket);
  let connected = false;
  let left = 0;
  const writeOn = () => {
    while (left > 0) {
      left -= 1;
      if (left === 0) socket.write(lines, () => report({ kind: "sent", requestsWaiting: 0 }));
      else if (!socket.write(lines)) return;
    }
  };
  socket.once("error", (error) => {
    if (connected) report({ kind: "failed", reason: error.message });
    else setTimeout(begin, retryMs);
  });
  socket.once("connect", () => {
    connected = true;
    socket.on("drain", writeOn);
    process.on("message", ({ replies }: LoadCommand) => {
      left = replies;
      writeOn();
    });
    report({ kind: "ready" });
  });
}

begin();
