import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { program } from "../end-to-end/daemon.js";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** Runs the built program with nobody reading its stdout; resolves with its stderr and then its exit code. */
function unread(args: string): Promise<string> {
  const script = `{ sleep 0.2; "${process.execPath}" "${program}" ${args}; echo "code $?" >&2; } | true`;
  return new Promise((resolve, reject) => {
    execFile("sh", ["-c", script], { cwd: repository }, (error, _, stderr) => {
      if (error === null) resolve(stderr);
      else reject(error);
    });
  });
}

test.each([
  "--help",
  "--version",
  "verify --help",
  "check -c config/complete.yaml",
  "check --json -c config/complete.yaml",
])("%s ends as usual when nobody reads its output", async (args) => {
  expect(await unread(args)).toMatch(/^(?:[^\n]*\n)*code 0\n$/);
});

test("a fault keeps its exit code when nobody reads the output", async () => {
  expect(await unread("check --json -c test")).toBe("code 2\n");
});
