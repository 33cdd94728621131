import { type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { GatedConnection } from "./gated-connection.js";

/** Statuses that refuse a request, whatever the page. */
const refusing: ReadonlySet<number> = new Set([401, 403, 405, 408, 411, 413]);

/** Whether a status refuses a request; of 503 only `isBusy` tells, because health answers with it as well. */
export function isRefusal(status: number, { isBusy }: { readonly isBusy: boolean }): boolean {
  return refusing.has(status) || (status === 503 && isBusy);
}

/** What is wrong with a request that HTTP gives up; any other fault of its parser is 400. */
const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

export interface UnreadableOptions {
  /** Whether a request of this connection is being answered. */
  readonly isBusy: (connection: GatedConnection) => boolean;
  /** Counts and reports the refusal of a request. */
  readonly onRefused: (status: number, connection: GatedConnection) => void;
  /** A TLS handshake failed. */
  readonly onHandshakeFailed: (connection: Duplex) => void;
}

/** Refuses requests that HTTP cannot read, or that take too long to arrive, with the same answers as HTTP itself. */
export function refuseUnreadable(server: Server, options: UnreadableOptions): void {
  server.on("clientError", (error: NodeJS.ErrnoException, stream: Duplex) => {
    if (!(stream instanceof GatedConnection)) {
      options.onHandshakeFailed(stream);
      stream.destroy();
      return;
    }
    const { code = "" } = error;
    const status = statuses[code] ?? (code.startsWith("HPE_") ? 400 : undefined);
    // Other errors come from the network.
    if (status === undefined || !stream.writable) {
      stream.destroy();
      return;
    }
    options.onRefused(status, stream);
    // An answer under way cannot be followed by another one.
    if (!options.isBusy(stream))
      stream.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
    stream.destroySoon();
  });
}
