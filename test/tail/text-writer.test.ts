import { beforeEach, expect, test, vi } from "vitest";
import { textWriter } from "../../src/tail/line-output.js";

/** What each write answers: an error's code, or how many bytes it takes. */
let answers: (string | number)[];
let written: string;
vi.mock("node:fs", async (original) => ({
  ...(await original<typeof import("node:fs")>()),
  write: (_: number, bytes: Buffer, done: (error: Error | null, count: number) => void) => {
    const answer = answers.shift() ?? bytes.length;
    if (typeof answer === "string") return done(Object.assign(new Error(answer), { code: answer }), 0);
    written += bytes.toString("latin1", 0, answer);
    done(null, Math.min(answer, bytes.length));
  },
}));
beforeEach(() => {
  written = "";
});

test("a text is written whole, in pieces and after waiting if the terminal wants it so", async () => {
  answers = [3, "EAGAIN", 2];
  await textWriter(9)("some text");
  expect(written).toBe("some text");
});

test.each(["EPIPE", "EIO"])("after %s nobody reads the output", async (code) => {
  answers = [code];
  await expect(textWriter(9)("text")).rejects.toMatchObject({ code: "reader-gone" });
});

test("another error is thrown as it is", async () => {
  answers = ["ENOSPC"];
  await expect(textWriter(9)("text")).rejects.toMatchObject({ code: "ENOSPC" });
});
