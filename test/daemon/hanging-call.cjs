// Preloaded into a daemon: a file system call that never returns, as on a dead network mount.
require("node:fs").open(process.env.HANGING_FIFO, "r", () => {});
