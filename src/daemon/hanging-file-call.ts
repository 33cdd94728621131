import { setTimeout as delay } from "node:timers/promises";

const looks = 10;
const pauseMs = 20;

/** Whether calls to the file system are under way and go on being so for a while (200 ms): those hang. */
export async function isFileCallHanging(): Promise<boolean> {
  for (let look = 0; look < looks; look += 1) {
    if (!process.getActiveResourcesInfo().some((resource) => resource.startsWith("FSReq"))) return false;
    await delay(pauseMs);
  }
  return true;
}
