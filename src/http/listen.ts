import type { Server } from "node:net";
import type { Endpoint } from "../config/config.js";
import { HttpError } from "./http-faults.js";

/** @throws HttpError naming the field of the port or the host. */
export function listen(
  server: Server,
  endpoint: Endpoint,
  field: string,
  portName = field.startsWith("muninn.") ? "port" : "epPort",
): Promise<void> {
  const { host, port } = endpoint;
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => reject(listenError(cause, endpoint, field, portName));
    server.once("error", failed);
    // More than a thousand scrapes may arrive at the same moment; the kernel has its own limit, lower or higher.
    server.listen({ host, port, backlog: 4_096 }, () => {
      server.removeListener("error", failed);
      resolve();
    });
  });
}

function listenError(
  cause: NodeJS.ErrnoException,
  { host, port }: Endpoint,
  field: string,
  portName: string,
): HttpError {
  // In our own fields, below `muninn.`, it is called `host`.
  const hostField = `${field}.${field.startsWith("muninn.") ? "host" : "epHost"}`;
  const portField = `${field}.${portName}`;
  switch (cause.code) {
    case "EADDRINUSE":
      return new HttpError({ code: "port-in-use", field: portField, host, port }, { cause });
    case "EACCES":
    case "EPERM":
      return new HttpError({ code: "port-forbidden", field: portField, host, port }, { cause });
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
    case "EINVAL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new HttpError({ code: "host-unusable", field: hostField, host }, { cause });
    default:
      return new HttpError({ code: "listen-failed", field: portField, host, port }, { cause });
  }
}
