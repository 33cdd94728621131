import { createServer } from "node:http";

// Takes whatever is sent, and says so: node otlp-endpoint.js PORT. What it costs is not Muninn's.

const server = createServer((request, response) => {
  request.resume();
  request.once("end", () => response.writeHead(200, { "content-type": "application/x-protobuf" }).end());
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"));
