import { createServer } from "node:http";

// Accepts and acknowledges everything: node otlp-endpoint.js PORT. Its cost is not Muninn's.

const server = createServer((request, response) => {
  request.resume();
  request.once("end", () => response.writeHead(200, { "content-type": "application/x-protobuf" }).end());
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"));
