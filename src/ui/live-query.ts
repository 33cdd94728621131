import { type Severity, severities } from "../protocol/trace-batch.js";
import { type LiveQuery, LiveQueryError } from "../sinks/live/live-filter.js";

const known = ["node", "namespace", "severity", "text", "regex"];
/** Most values of one parameter. */
const mostValues = 1_000;
const maxLength = 1_000;

/**
 * The query of `/api/live?node=&namespace=&severity=&text=&regex=`; `node` and `namespace` may be given several times,
 * and what is empty counts as absent.
 * @throws LiveQueryError if something is wrong with it
 */
export function liveQuery(parameters: URLSearchParams): LiveQuery {
  for (const [name, value] of parameters) {
    if (!known.includes(name))
      throw new LiveQueryError(`unknown parameter; must be one of ${known.join(", ")}`);
    if (value.length > maxLength) throw new LiveQueryError(`${name} is longer than ${maxLength} characters`);
  }
  const nodes = all("node");
  const namespaces = all("namespace");
  const severity = one("severity");
  const text = one("text");
  const regex = one("regex");
  return {
    ...(nodes.length > 0 && { nodes }),
    ...(namespaces.length > 0 && { namespaces }),
    ...(severity !== undefined && { severity: severityOf(severity) }),
    ...(text !== undefined && { text }),
    ...(regex !== undefined && { regex }),
  };

  function all(name: string): string[] {
    const values = parameters.getAll(name).filter((value) => value !== "");
    if (values.length > mostValues)
      throw new LiveQueryError(`${name} is given more than ${mostValues} times`);
    return values;
  }

  function one(name: string): string | undefined {
    const values = all(name);
    if (values.length > 1) throw new LiveQueryError(`${name} is given more than once`);
    return values[0];
  }
}

function severityOf(text: string): Severity {
  const found = severities.find((severity) => severity.toLowerCase() === text.toLowerCase());
  if (found === undefined) throw new LiveQueryError(`severity must be one of ${severities.join(", ")}`);
  return found;
}
