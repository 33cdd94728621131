/** What the title of a group says that is left out for want of something. */
export function leftOut(missing: string | undefined): string {
  return missing === undefined ? "" : ` (left out: ${missing})`;
}
