import { InvalidArgumentError } from "commander";

/** Reads an option that is a whole number from `least` on. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(number) || number < least) {
      throw new InvalidArgumentError(`must be a whole number of at least ${least}.`);
    }
    return number;
  };
}

/** Reads an option that is a number above 0, fractions allowed. */
export function positiveNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0) || !Number.isFinite(number)) throw new InvalidArgumentError("must be a number above 0.");
  return number;
}
