import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";

test("a process whose stdout nobody reads continues, and ends when it chooses", async () => {
  const log = new URL("../../../dist/daemon/log/log.js", import.meta.url).href;
  const program = `
    import { writeSync } from "node:fs";
    const { openLog } = await import("${log}");
    const log = await openLog({});
    for (let index = 0; index < 50_000; index += 1) log.info("line", "x".repeat(100));
    await log.stop({ deadlineMs: 20 });
    writeSync(2, "went on");
    process.exitCode = 7;`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, "exit");
  child.stdout.destroy();
  expect({ code, said }).toEqual({ code: 7, said: "went on" });
});
