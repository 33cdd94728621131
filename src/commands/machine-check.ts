import { once } from "node:events";
import { constants } from "node:fs";
import { access, lstat, realpath } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { dirname } from "node:path";
import { CertificateError } from "../config/certificate.js";
import { type Config, valuesOf } from "../config/config.js";
import { identityOf } from "../config/identity.js";
import { readLinkCredentials } from "../config/link-credentials.js";
import { httpListeners } from "../config/listeners.js";
import type { FieldIssue } from "../fields/mapping.js";
import { HttpError } from "../http/http-faults.js";
import { listen } from "../http/listen.js";
import { RegistryError } from "../registry/registry-fault.js";
import { runningTwin } from "../registry/running-twin.js";
import { SnapshotError } from "../timeseries/snapshots/snapshot-fault.js";
import type { Address, LinkAddress } from "../transport/address.js";
import { isAnswered } from "../transport/links/socket-file.js";
import { TransportError } from "../transport/transport-faults.js";

/**
 * Checks what would make `run` fail on this machine now, in the same words: a port in use, a directory that cannot be
 * written. Ports are opened briefly; no file is created.
 */
export async function machineIssues(config: Config): Promise<FieldIssue[]> {
  return [
    ...(await doorIssues(config)),
    ...(await linkIssues(config)),
    ...(await endpointIssues(config)),
    ...(await rootIssues(config)),
    ...(await timeseriesIssues(config)),
  ];
}

async function linkIssues({ muninn }: Config): Promise<FieldIssue[]> {
  const issues: FieldIssue[] = [];
  for (const [index, link] of muninn.links.entries()) {
    const path = ["muninn", "links", index];
    try {
      await readLinkCredentials(link, path);
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      issues.push(...error.problems);
    }
    const { listen: address } = link;
    if (address === undefined) continue;
    const message = address.kind === "unix" ? await socketFault(address) : await portFault(address);
    if (message !== undefined) issues.push({ path: [...path, "listen"], message });
  }
  return issues;
}

async function doorIssues({ network }: Config): Promise<FieldIssue[]> {
  if (network.mode === "ConnectTo") return [];
  const { address } = network;
  const message = address.kind === "unix" ? await socketFault(address) : await portFault(address);
  return message === undefined ? [] : [{ path: ["network", "contents"], message }];
}

async function portFault(address: Exclude<LinkAddress, { kind: "unix" }>): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ host: address.host, port: address.port });
    await once(server, "listening");
    return undefined;
  } catch (cause) {
    const isTaken = (cause as NodeJS.ErrnoException).code === "EADDRINUSE";
    return new TransportError({ code: isTaken ? "address-in-use" : "cannot-listen", address }, { cause })
      .message;
  } finally {
    await close(server);
  }
}

async function socketFault(address: Extract<Address, { kind: "unix" }>): Promise<string | undefined> {
  const { path } = address;
  const there = await lstat(path).catch(() => undefined);
  if (there !== undefined && !there.isSocket()) {
    return new TransportError({ code: "not-a-socket", path }).message;
  }
  if (there !== undefined && (await isAnswered(path))) {
    return new TransportError({ code: "address-in-use", address }).message;
  }
  // Only the socket's own directory is created if it is missing.
  const directory = dirname(path);
  const existing = (await isThere(directory)) ? directory : dirname(directory);
  if (!(await isThere(existing))) {
    return new TransportError({ code: "no-directory", path, missing: existing }).message;
  }
  try {
    await access(existing, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (cause) {
    return new TransportError({ code: "cannot-listen", address }, { cause }).message;
  }
}

async function endpointIssues(config: Config): Promise<FieldIssue[]> {
  const issues: FieldIssue[] = [];
  for (const { field, portName, ...endpoint } of httpListeners(valuesOf(config))) {
    const server = createServer();
    try {
      await listen(server, endpoint, field, portName);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const { field: at } = error.fault;
      issues.push({ path: at.split("."), message: error.message.replace(`${at}: `, "") });
    } finally {
      await close(server);
    }
  }
  return issues;
}

async function rootIssues(config: Config): Promise<FieldIssue[]> {
  const issues = config.logging.map(async ({ mode, logRoot }, index): Promise<FieldIssue[]> => {
    const fault = mode === "FileMode" ? await rootFault(logRoot, identityOf(config)) : undefined;
    return fault === undefined ? [] : [{ path: ["logging", index, "logRoot"], message: fault.message }];
  });
  return (await Promise.all(issues)).flat();
}

async function rootFault(logRoot: string, identity: string): Promise<RegistryError | undefined> {
  try {
    await access(await nearestThere(logRoot), constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    return new RegistryError({ code: "root-unusable", root: logRoot }, { cause });
  }
  const root = await realpath(logRoot).catch(() => undefined);
  const by = root === undefined ? undefined : await runningTwin(root, identity);
  return by && new RegistryError({ code: "already-running", root: root!, by });
}

async function timeseriesIssues({ endpoints, muninn }: Config): Promise<FieldIssue[]> {
  const { directory } = muninn.timeseries;
  if (endpoints.timeseries === undefined || directory === undefined) return [];
  try {
    await access(await nearestThere(directory), constants.R_OK | constants.W_OK | constants.X_OK);
    return [];
  } catch (cause) {
    const { message } = new SnapshotError({ code: "directory-unusable", directory }, { cause });
    return [{ path: ["muninn", "timeseries", "directory"], message }];
  }
}

/** The directory itself, or the one above in which it would be created. @throws if that is not a directory */
async function nearestThere(directory: string): Promise<string> {
  while (!(await isThere(directory))) directory = dirname(directory);
  // With a slash at the end a file is not a directory: ENOTDIR.
  return `${directory}/`;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  await once(server, "close");
}
