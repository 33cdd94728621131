import { unescape as unescapePercent } from "node:querystring";

/** A parameter; one without `=` has no value. */
export interface Parameter {
  readonly name: string;
  readonly value: string | undefined;
}

/** Parameters that are looked at: a request has a few. */
const mostParameters = 100;

/** The first parameters of a query string or a form, in their order. Only `&` separates them, because the query language itself uses `;`. */
export function parametersOf(text: string): Parameter[] {
  return text
    .split("&", mostParameters)
    .filter((item) => item !== "")
    .map((item) => {
      const equals = item.indexOf("=");
      if (equals === -1) return { name: decoded(item), value: undefined };
      return { name: decoded(item.slice(0, equals)), value: decoded(item.slice(equals + 1)) };
    });
}

/** The value of the first parameter of that name. */
export function parameterOf(parameters: readonly Parameter[], name: string): string | undefined {
  return parameters.find((parameter) => parameter.name === name)?.value;
}

function decoded(text: string): string {
  return unescapePercent(text.replaceAll("+", " "));
}

const decimal = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Seconds since 1970 → milliseconds; undefined if the text is not a number, or not a valid time. */
export function timeOf(text: string | undefined): number | undefined {
  const ms = text !== undefined && decimal.test(text) ? Math.round(Number(text) * 1_000) : undefined;
  return Number.isSafeInteger(ms) ? ms : undefined;
}

const msPerUnit: Readonly<Record<string, number>> = {
  milliseconds: 1,
  seconds: 1_000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
};

/** The first parameter that is a duration, such as `minutes=5`, in milliseconds. */
export function durationOf(parameters: readonly Parameter[]): number | undefined {
  for (const { name, value } of parameters) {
    if (!Object.hasOwn(msPerUnit, name) || value === undefined || !/^\d+$/.test(value)) continue;
    return Math.min(Number(value) * msPerUnit[name]!, Number.MAX_SAFE_INTEGER);
  }
  return undefined;
}
