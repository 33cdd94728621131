import { setTimeout as delay } from "node:timers/promises";

const looks = 10;
const pauseMs = 20;

/** Whether file-system calls are pending and stay so for a while (200 ms): those hang. */
export async function isFileCallHanging(): Promise<boolean> {
  for (let look = 0; look < looks; look += 1) {
    if (!process.getActiveResourcesInfo().some((resource) => resource.startsWith("FSReq"))) return false;
    await delay(pauseMs);
  }
  return true;
}
