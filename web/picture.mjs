// Makes docs/page.png, the README's picture of the page, from a running demonstration: `npm run docs:picture` after a build.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const directory = mkdtempSync(join(tmpdir(), "muninn-picture-"));
const demo = spawn(process.execPath, ["dist/bin.cjs", "demo", "--dir", directory, "--rate", "40"], {
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  const address = await new Promise((resolve, reject) => {
    demo.once("exit", () => reject(new Error("the demonstration has ended")));
    createInterface({ input: demo.stdout }).on("line", (line) => {
      const [url] = /http:\/\/127\.0\.0\.1:\d+\/$/.exec(line.trim()) ?? [];
      if (url !== undefined) resolve(url);
    });
  });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  const page = await browser.newPage({ viewport: { width: 1_280, height: 720 }, colorScheme: "light" });
  await page.goto(address);
  await page.waitForSelector("text=producer");
  // Rates and bars of the last minutes want a while.
  await page.waitForTimeout(20_000);
  await page.screenshot({ path: "docs/page.png" });
  await browser.close();
} finally {
  demo.kill("SIGTERM");
  await new Promise((resolve) => demo.once("exit", resolve));
  rmSync(directory, { recursive: true, force: true });
}
