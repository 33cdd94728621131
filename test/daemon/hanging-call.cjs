// Preloaded into a daemon: a call to the file system that never ends, as on a dead network mount.
require("node:fs").open(process.env.HANGING_FIFO, "r", () => {});
