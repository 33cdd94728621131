import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { type Encoding, logsRequest } from "../harness/logs-request.js";

// Sends requests made in advance, one at a time for each resource, when it is told how many:
// node otlp-exporter.js URL ENCODING RESOURCES RECORDS

const [url, encoding, resources, records] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
const bodies = Array.from({ length: Number(resources) }, (_, index) =>
  logsRequest(encoding as Encoding, `service-${index}`, Number(records)),
);

async function post(body: Uint8Array): Promise<void> {
  const type = encoding === "json" ? "application/json" : "application/x-protobuf";
  const sent = request(url!, {
    method: "POST",
    agent,
    headers: { "content-type": type, "content-length": body.length },
  });
  sent.end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  answer.resume();
  await once(answer, "end");
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
}

process.on("message", async ({ requests }: { requests: number }) => {
  await Promise.all(
    bodies.map(async (body) => {
      for (let sent = 0; sent < requests; sent += 1) await post(body);
    }),
  );
  process.send!("sent");
});
process.send!("ready");
