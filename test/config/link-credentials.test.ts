import { expect, test } from "vitest";
import { readLinkCredentials } from "../../src/config/link-credentials.js";

test("a link without files has the name it expects of a server, and lets anyone in", async () => {
  const field = ["muninn", "links", 0];
  expect(await readLinkCredentials({}, field)).toEqual({ access: "anyone" });
  const tls = { serverName: "relay.example" } as never;
  expect(await readLinkCredentials({ tls }, field)).toEqual({
    serverName: "relay.example",
    access: "anyone",
  });
});
