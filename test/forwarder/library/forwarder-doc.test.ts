import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTracer } from "../../../src/testing/entry.js";
import { formatAddress } from "../../../src/transport/address.js";
import { freePort } from "../../end-to-end/daemon.js";
import { certificateFile } from "../../transport/certificates.js";
import { compile, makeUserPackage, packageRoot } from "../../user-package.js";

const run = promisify(execFile);
const page = await readFile(join(packageRoot, "docs/forwarder.md"), "utf8");
const examples = [...page.matchAll(/```(ts|js)\n(.*?)```/gs)].map(([, language, code]) => ({
  language: language!,
  code: code!,
}));

/** A user's package, with Muninn among its dependencies. */
let directory: string;
beforeEach(async () => {
  directory = await makeUserPackage();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("the page has an example in each language, and one across a network", () => {
  expect(examples.map(({ language }) => language)).toEqual(["js", "ts", "js"]);
});

test.each(examples.slice(0, 2))(
  "the $language example runs, and its messages reach a tracer",
  async ({ language, code }) => {
    await using tracer = await startTracer();
    // It runs unchanged except for the address.
    const placed = code.replace(/address: "[^"]*"/, `address: "${formatAddress(tracer.address)}"`);
    const file = join(directory, `example.${language}`);
    await writeFile(file, placed);
    let program = file;
    if (language === "ts") {
      await compile(file);
      program = join(directory, "example.js");
    }
    await run(process.execPath, [program]);
    await tracer.settled();
    const namespaces = (await tracer.linesOf("shop")).map((line) => JSON.parse(line).ns);
    expect(namespaces).toEqual(language === "js" ? ["Shop.Order.Placed", "Shop.Stock"] : ["Shop.Opened"]);
  },
);

test("the example across a network runs, and its message reaches a tracer", async () => {
  const tokenFile = join(directory, "token");
  await writeFile(tokenFile, "a-token-of-16-signs\n");
  const listen = `wss://localhost:${await freePort("localhost")}/nodes`;
  const own = {
    certificateFile: certificateFile("server"),
    certificateKeyFile: certificateFile("server-key"),
  };
  const access = [{ tokenFile, nodes: ["shop"] }];
  await using tracer = await startTracer({ config: { muninn: { links: [{ listen, tls: own, access }] } } });
  // It runs unchanged except for its addresses.
  const placed = examples[2]!.code
    .replace("wss://tracer.example:3443/nodes", listen)
    .replace("/run/secrets/tracer.token", tokenFile)
    .replace("/etc/shop/tracer-ca.pem", certificateFile("ca"));
  await writeFile(join(directory, "example.js"), placed);
  await run(process.execPath, [join(directory, "example.js")]);
  await tracer.settled();
  expect((await tracer.linesOf("shop")).map((line) => JSON.parse(line).ns)).toEqual(["Shop.Opened"]);
});
