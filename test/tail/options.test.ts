import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bearerToken } from "../../src/tail/bearer-token.js";
import { sinceTime } from "../../src/tail/time-option.js";

const now = Date.UTC(2026, 1, 16, 9, 30);

test.each([
  { text: "30s", ms: now - 30_000 },
  { text: "1.5d", ms: now - 129_600_000 },
  { text: "2026-02-16", ms: Date.UTC(2026, 1, 16) },
  { text: "2026-02-16T09:30", ms: now },
  { text: "2026-02-16 09:30:01 UTC", ms: now + 1_000 },
  { text: "2026-02-16T09:30:01Z", ms: now + 1_000 },
  { text: "2026-02-16T11:30+02:00", ms: now },
  { text: "2026-02-16T04:00-0530", ms: now },
])("$text is a time", ({ text, ms }) => {
  expect(sinceTime(text, now)).toBe(BigInt(ms) * 1_000_000n);
});

test("fractions of a second are exact to the nanosecond", () => {
  expect(sinceTime("2026-02-16T09:30:00.000000007Z", now)).toBe(BigInt(now) * 1_000_000n + 7n);
});

test.each(["yesterday", "5 weeks", "2026-13-01", "-5m", ""])("'%s' is none", (text) => {
  expect(sinceTime(text, now)).toBeUndefined();
});

test("a token is its file's first line, whatever ends it, and a short one is refused", async () => {
  const directory = await mkdtemp(join(tmpdir(), "muninn-token-"));
  const file = join(directory, "token");
  await writeFile(file, "a-token-of-16-chars\r\nmore\n");
  expect(await bearerToken(file)).toBe("a-token-of-16-chars");
  await writeFile(file, "short\n");
  await expect(bearerToken(file)).rejects.toThrow(/at least 16 visible characters/);
  await rm(directory, { recursive: true });
});
