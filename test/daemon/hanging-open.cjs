// Preloaded into a daemon: a file whose name ends with HANGING_FILE does not open while there is a second one with `.hangs` added,
// as on a dead network mount.
const { existsSync, promises } = require("node:fs");
const { open } = promises;
promises.open = async (path, ...rest) => {
  if (String(path).endsWith(process.env.HANGING_FILE) && existsSync(`${path}.hangs`))
    await new Promise(() => {});
  return open(path, ...rest);
};
require("node:module").syncBuiltinESMExports();
