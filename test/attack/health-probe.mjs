// Requests /healthz repeatedly from a separate process, and watches the memory and the processor time of the process that
// answers. Arguments: process id, host, port. When told "stop", it prints its results and exits.

import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { setPriority } from "node:os";
import { setTimeout as pause } from "node:timers/promises";

const [pid, host, port] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const pauseMs = 5;
const patienceMs = 60_000;

try {
  // The subject is the other process, not how long this one waits for a processor.
  setPriority(-10);
} catch {
  // Not every user may.
}

/** Of the thread that runs the event loop, in milliseconds. */
function cpuMs() {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "latin1").split(" ")[0]) / 1e6;
  } catch {
    return Number.NaN;
  }
}

function memoryKiB(field) {
  try {
    return Number(
      new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0,
    );
  } catch {
    return 0;
  }
}

let socket;

/** Resolves with whether an answer arrived. */
function isAnswered() {
  return new Promise((resolve) => {
    if (socket === undefined || socket.destroyed) {
      socket = connect({ host, port });
      socket.setNoDelay(true);
      socket.on("error", () => {});
    }
    const finish = (answered) => {
      clearTimeout(timer);
      socket.removeAllListeners("data").removeAllListeners("close");
      if (!answered) socket.destroy();
      resolve(answered);
    };
    const timer = setTimeout(() => finish(false), patienceMs);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? Number.NaN);
      if (head !== -1 && text.length >= head + 4 + length) finish(true);
    });
    socket.on("close", () => finish(false));
    socket.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  });
}

const figures = { answers: 0, blockMs: 0, blockCpuMs: 0, peakKiB: 0, refusedPolls: 0 };
let stopping = false;
let isReady = false;
process.on("message", (message) => {
  if (message === "stop") stopping = true;
  // The cost of the start is not of interest.
  else Object.assign(figures, { blockMs: 0, blockCpuMs: 0, answers: 0 });
});
process.on("disconnect", () => process.exit());

while (!stopping) {
  const begun = performance.now();
  const cpuBefore = cpuMs();
  while (!(await isAnswered())) {
    figures.refusedPolls += 1;
    if (stopping || performance.now() - begun > patienceMs) break;
    await pause(pauseMs);
  }
  figures.answers += 1;
  figures.blockMs = Math.max(figures.blockMs, performance.now() - begun);
  figures.blockCpuMs = Math.max(figures.blockCpuMs, cpuMs() - cpuBefore || 0);
  figures.peakKiB = Math.max(figures.peakKiB, memoryKiB("VmHWM"), memoryKiB("VmRSS"));
  if (!isReady) process.send("ready");
  isReady = true;
  await pause(pauseMs);
}
process.send(figures, () => process.exit());
