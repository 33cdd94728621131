/** One mutant in words that stay the same from run to run: `src/x.ts:12:4-12:9 ConditionalExpression → false`. */
export function placeOf({ fileName, location: { start, end }, mutatorName, replacement }) {
  const path = fileName.replaceAll("\\", "/").replace(/^.*\/src\//, "src/");
  const at = `${start.line + 1}:${start.column + 1}-${end.line + 1}:${end.column + 1}`;
  return `${path}:${at} ${mutatorName} → ${replacement.replaceAll(/\s+/g, " ")}`;
}
