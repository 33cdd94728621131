import { expect, test } from "vitest";
import { readerOf, readTls } from "../../src/sinks/credential-files.js";

test("each file becomes the part of TLS that it is for", async () => {
  const read = readerOf("muninn.sinks", async (file) => `text of ${file}`);
  const files = { caFile: "ca", certificateFile: "certificate", certificateKeyFile: "key" };
  expect(await readTls("muninn.sinks", files, read)).toEqual({
    ca: "text of ca",
    cert: "text of certificate",
    key: "text of key",
  });
  expect(await readTls("muninn.sinks", {}, read)).toEqual({});
});
