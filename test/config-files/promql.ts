/** What a PromQL expression asks for. */
export interface Selector {
  readonly metric: string;
  /** Labels it selects by. */
  readonly labels: readonly string[];
}

const words = new Set(["and", "or", "unless", "offset", "bool", "by", "on", "without", "ignoring"]);

/** The metrics in an expression, whose syntax promtool checks: names other than functions, keywords and labels. */
export function selectorsOf(expression: string): Selector[] {
  const plain = expression
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\[[^\]]*\]/g, "")
    .replace(/\b(by|on|without|ignoring)\s*\([^)]*\)/g, "");
  return [...plain.matchAll(/(?<![\w:.])([a-zA-Z_:][\w:]*)(\s*\()?(?:\{([^}]*)\})?/g)]
    .filter(([, name, call]) => call === undefined && !words.has(name!))
    .filter(([, , , matchers], index, all) => matchers !== undefined || !isInside(all[index]!, plain))
    .map(([, metric, , matchers]) => ({
      metric: metric!,
      labels: [...(matchers ?? "").matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!),
    }));
}

/** Whether a match is inside braces: then it is a label. */
function isInside({ index }: RegExpExecArray, text: string): boolean {
  return text.lastIndexOf("{", index) > text.lastIndexOf("}", index);
}
