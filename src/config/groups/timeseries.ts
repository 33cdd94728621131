import { group, optional, withDefault } from "../../fields/field.js";
import { duration, fileName, size } from "../../fields/plain-kinds.js";

const mebibyte = 2 ** 20;
const tebibyte = 2 ** 40;

/** What is kept of nodes' metrics if `hasTimeseries` is configured. */
export const timeseries = group({
  maxBytes: withDefault(
    size(mebibyte, tebibyte),
    "256MiB",
    "memory for points, about 13 bytes each; the oldest are removed first",
  ),
  minInterval: withDefault(
    duration(),
    "1s",
    "shortest time between two points of a metric that changes; one that does not change gets a point a minute",
  ),
  retention: withDefault(
    duration(),
    "24h",
    "how long points are kept, until a client changes it by `POST /timeseries/config/retention`",
  ),
  directory: optional(
    fileName("directory"),
    "where points are written each minute, so that they survive a restart; absent: nowhere",
  ),
  queryTimeout: withDefault(duration(), "10s", "how long a query may take; then it ends with an error"),
  queryBytes: withDefault(
    size(mebibyte, tebibyte),
    "64MiB",
    "memory for one query and its answer; at most four are answered at once",
  ),
});
