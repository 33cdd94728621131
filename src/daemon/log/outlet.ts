import { close, constants, fstatSync, openSync, write } from "node:fs";
import { Socket } from "node:net";
import { isatty } from "node:tty";

/** Writes bytes to a file descriptor; a reader that stalls never holds up the caller. */
export interface Outlet {
  readonly isTerminal: boolean;
  /**
   * Resolves when the operating system has all the bytes; one call at a time.
   *
   * @throws Error of the system call when it never will: the reader is gone.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Abandons the write in progress. */
  close(): void;
}

/** Opens an outlet to a file descriptor of any kind. */
export function openOutlet(fd: number): Outlet {
  const stats = fstatSync(fd);
  if (stats.isFIFO() || stats.isSocket()) return new StreamOutlet(fd);
  return isatty(fd) ? openTerminal(fd) : new FileOutlet({ fd, isOwn: false, isTerminal: false });
}

/**
 * A pipe or a socket. It becomes non-blocking, also for other processes that write to the same one; Node undoes that at
 * the end of the process.
 */
class StreamOutlet implements Outlet {
  readonly isTerminal = false;
  readonly #socket: Socket;

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: false, writable: true });
    // Each failed write reports its own error.
    this.#socket.on("error", () => {});
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** How long a write that failed waits for its next attempt. */
const retryMs = 200;

/** A file or a terminal. What it does not accept now (disk full, output held with Ctrl-S) is retried. */
class FileOutlet implements Outlet {
  readonly isTerminal: boolean;
  readonly #fd: number;
  readonly #isOwn: boolean;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;

  /** `isOwn`: nothing else uses the descriptor, so `close` closes it. */
  constructor({ fd, isOwn, isTerminal }: { fd: number; isOwn: boolean; isTerminal: boolean }) {
    this.#fd = fd;
    this.#isOwn = isOwn;
    this.isTerminal = isTerminal;
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const next = (rest: Uint8Array) => {
        write(this.#fd, rest, (error, written) => {
          if (this.#closed) return;
          if (error) this.#retry = setTimeout(next, retryMs, rest);
          else if (written < rest.length) next(rest.subarray(written));
          else resolve();
        });
      };
      next(bytes);
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    if (this.#isOwn) close(this.#fd, () => {});
  }
}

/**
 * Opens the terminal a second time, non-blocking for us alone: a thread that waits for it would delay the end of the
 * process. If that is forbidden (another user's terminal), the given descriptor is used.
 */
function openTerminal(fd: number): Outlet {
  const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  try {
    return new FileOutlet({ fd: openSync(`/dev/fd/${fd}`, flags), isOwn: true, isTerminal: true });
  } catch {
    return new FileOutlet({ fd, isOwn: false, isTerminal: true });
  }
}
