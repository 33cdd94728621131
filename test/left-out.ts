/** The end of the title of a group that is left out for lack of something. */
export function leftOut(missing: string | undefined): string {
  return missing === undefined ? "" : ` (left out: ${missing})`;
}
