import { type IncomingHttpHeaders, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { connect, type Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import type { EndpointServer } from "../../src/http/endpoint-server.js";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As received. */
  readonly bytes: Buffer;
  /** Decoded. */
  readonly text: string;
}

export interface Ask extends Pick<RequestOptions, "method" | "agent"> {
  readonly headers?: Record<string, string>;
  /** Use TLS and trust this certificate, in PEM. */
  readonly ca?: string;
}

/** One request with exactly the given headers, in addition to Host and Connection. */
export function ask(server: EndpointServer, path: string, options: Ask = {}): Promise<Reply> {
  const { host, port } = server.address;
  const settings = {
    host,
    port,
    path,
    method: "GET",
    agent: false as const,
    servername: "localhost",
    ...options,
  };
  return new Promise((resolve, reject) => {
    const request = (options.ca === undefined ? requestHttp : requestHttps)(settings, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => {
        const bytes = Buffer.concat(chunks);
        const plain =
          response.headers["content-encoding"] === "gzip" && bytes.length > 0 ? gunzipSync(bytes) : bytes;
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          bytes,
          text: plain.toString("utf8"),
        });
      });
    });
    request.once("error", reject);
    request.end();
  });
}

/** A raw connection that has sent `text`; reading is up to the caller. */
export function rawConnection(server: EndpointServer, text: string): Promise<Socket> {
  const { host, port } = server.address;
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => {
      socket.write(text);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

/** Everything that a raw connection still receives, until the other side ends or resets it. */
export function received(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => {
      text += part;
    });
    socket.once("error", () => undefined);
    socket.once("close", () => resolve(text));
  });
}
