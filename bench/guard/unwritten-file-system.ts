import { type FileSystem, kernelFileSystem } from "../../src/registry/file-system.js";

type Status = Awaited<ReturnType<FileSystem["lstat"]>>;

/**
 * The kernel's file system without the calls of each write: bytes are counted, not written, and a file, which
 * nobody else touches, keeps its status. This leaves out the thread pool, whose share of the processor differs
 * from run to run.
 */
export function unwrittenFileSystem(count: (bytes: number) => void): FileSystem {
  const byHandle = new Map<number, Status>();
  const byPath = new Map<string, Status>();

  async function keep<Key>(known: Map<Key, Status>, key: Key, asked: Promise<Status>): Promise<Status> {
    const status = await asked;
    if (status.isFile()) known.set(key, status);
    return status;
  }

  return {
    ...kernelFileSystem,
    write: async (_, buffers) => {
      let bytes = 0;
      for (const { length } of buffers) bytes += length;
      count(bytes);
      return bytes;
    },
    fstat: async (fd) => byHandle.get(fd) ?? keep(byHandle, fd, kernelFileSystem.fstat(fd)),
    lstat: async (path) => byPath.get(path) ?? keep(byPath, path, kernelFileSystem.lstat(path)),
    close: async (fd) => {
      byHandle.delete(fd);
      await kernelFileSystem.close(fd);
    },
  };
}
