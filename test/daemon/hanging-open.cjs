// Preloaded into a daemon: the file whose name ends as told is never opened while there is a second one, as on a dead
// network mount.
const { existsSync, promises } = require("node:fs");
const { open } = promises;
promises.open = async (path, ...rest) => {
  if (String(path).endsWith(process.env.HANGING_FILE) && existsSync(`${path}.hangs`))
    await new Promise(() => {});
  return open(path, ...rest);
};
require("node:module").syncBuiltinESMExports();
