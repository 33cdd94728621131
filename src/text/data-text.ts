/** The data of a machine-readable line for people, as `key=value`; a text that is no such line stays as it is. */
export function dataText(line: string): string {
  try {
    const { data } = JSON.parse(line) as { data?: unknown };
    if (typeof data === "object" && data !== null && !Array.isArray(data)) return pairs(data);
    return data === undefined ? line : valueText(data);
  } catch {
    return line;
  }
}

function pairs(data: object): string {
  return Object.entries(data)
    .map(([key, value]) => `${key}=${valueText(value)}`)
    .join(" ");
}

function valueText(value: unknown): string {
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
}
