import { afterEach, beforeEach, vi } from "vitest";

/** The output of each test in the file, hidden from the console; afterwards all spies are removed, and the exit code is 0 again. */
export function captureOutput(): { readonly out: string; readonly err: string } {
  const printed = { out: "", err: "" };
  const capture = (stream: NodeJS.WriteStream, name: keyof typeof printed) => {
    printed[name] = "";
    vi.spyOn(stream, "write").mockImplementation((text) => {
      printed[name] += text;
      return true;
    });
  };
  beforeEach(() => {
    capture(process.stdout, "out");
    capture(process.stderr, "err");
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });
  return printed;
}
