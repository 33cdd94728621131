import { expect } from "vitest";

/** The numbers in the lines of simulated nodes, in the order of the lines. */
export function numbersIn(lines: readonly string[]): number[] {
  return lines.map((line) => {
    const digits = /"seq":"(\d+)"/.exec(line)?.[1];
    if (digits === undefined || JSON.parse(line) === undefined)
      throw new Error(`no line of a simulated node: ${line}`);
    return Number(digits);
  });
}

/** Fails if a number from 0 to `count - 1` is lost, doubled or out of order, with the first place. */
export function expectAllInOrder(lines: readonly string[], count: number): void {
  const numbers = numbersIn(lines);
  const wrong = numbers.findIndex((number, index) => number !== index);
  expect({
    wrongAt: wrong,
    around: wrong === -1 ? [] : numbers.slice(Math.max(0, wrong - 2), wrong + 3),
  }).toEqual({
    wrongAt: -1,
    around: [],
  });
  expect(numbers).toHaveLength(count);
}

/** Fails unless the lines are the last ones of `count`, in order: earlier ones were removed with their file. */
export function expectEndInOrder(lines: readonly string[], count: number): void {
  const numbers = numbersIn(lines);
  const first = count - numbers.length;
  const wrong = numbers.findIndex((number, index) => number !== first + index);
  expect({ wrongAt: wrong, found: numbers[wrong] }).toEqual({ wrongAt: -1, found: undefined });
}
