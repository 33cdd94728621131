import { type Body, renderBody } from "../../http/body.js";
import { answerPieces } from "./answer-text.js";
import { Evaluation } from "./evaluation.js";
import { Meter, type QueryLimits, runSliced } from "./meter.js";
import { checkNames } from "./names.js";
import { parseQuery } from "./parser.js";
import type { MetricSource } from "./query-context.js";
import { QueryError } from "./query-fault.js";
import type { Value } from "./values.js";

/** Most queries that run at the same time: each may use `queryBytes`. */
const maxAtWork = 4;

/** Most queries that wait for others; more are refused. */
const maxWaiting = 64;

/** The step of a range that gives none. */
const usualStepMs = 15_000;

export interface QueriesOptions {
  readonly source: () => MetricSource;
  readonly limits: QueryLimits;
  /** The step of a range that gives none, in milliseconds. @default 15_000 */
  readonly stepMs?: number;
}

const outcomes = ["success", "parse", "bad_data", "execution", "refused", "failed"] as const;

/** How a query ended: with a value, with one of three kinds of error, refused because there were too many, or by a bug in Muninn. */
export type QueryOutcome = (typeof outcomes)[number];

/** Answers queries, a few at a time. */
export class Queries {
  readonly #options: QueriesOptions;
  readonly #waiting: (() => void)[] = [];
  readonly #outcomes = new Map<QueryOutcome, number>(outcomes.map((outcome) => [outcome, 0]));
  #atWork = 0;

  constructor(options: QueriesOptions) {
    this.#options = options;
  }

  get outcomes(): ReadonlyMap<QueryOutcome, number> {
    return this.#outcomes;
  }

  /**
   * The JSON of the answer; undefined if there are too many other queries. It ends early if the client is `gone`.
   *
   * @throws QueryError, whose message is for the client
   */
  async answer(
    query: string,
    nowMs: number,
    { gone, ...options }: { gzip: boolean; gone?: AbortSignal },
  ): Promise<Body | undefined> {
    if (this.#waiting.length >= maxWaiting) {
      this.#count("refused");
      return undefined;
    }
    try {
      const body = await this.#inTurn(async (meter) => {
        const value = await this.#evaluated(query, nowMs, meter);
        return renderBody(answerPieces(value, meter), options);
      }, gone);
      this.#count("success");
      return body;
    } catch (error) {
      const cause = withoutOverflow(error);
      this.#count(cause instanceof QueryError ? cause.errorType : "failed");
      throw cause;
    }
  }

  /** The value of a query. @throws QueryError */
  async evaluate(query: string, nowMs: number): Promise<Value> {
    return this.#inTurn((meter) => this.#evaluated(query, nowMs, meter));
  }

  async #evaluated(query: string, now: number, meter: Meter): Promise<Value> {
    const source = this.#options.source();
    const expression = await runSliced(parseQuery(query, meter), meter);
    await runSliced(checkNames(query, expression, source, meter), meter);
    const { stepMs = usualStepMs } = this.#options;
    const evaluation = new Evaluation({ query, source, now, stepMs, meter });
    return runSliced(evaluation.evaluate(expression, undefined), meter);
  }

  async #inTurn<Result>(work: (meter: Meter) => Promise<Result>, gone?: AbortSignal): Promise<Result> {
    if (this.#atWork === maxAtWork) await this.#turn(gone);
    else this.#atWork += 1;
    try {
      if (this.#options.limits.stopping?.aborted) throw new QueryError({ code: "stopped" });
      return await work(new Meter({ ...this.#options.limits, gone }));
    } finally {
      // The next waiting query takes over the place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#atWork -= 1;
      else next();
    }
  }

  /** Waits for a place. @throws QueryError if the client leaves before, and makes room for others that wait */
  async #turn(gone: AbortSignal | undefined): Promise<void> {
    if (gone?.aborted) throw new QueryError({ code: "gone" });
    await new Promise<void>((resolve, reject) => {
      const take = () => {
        gone?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(new QueryError({ code: "gone" }));
      };
      this.#waiting.push(take);
      gone?.addEventListener("abort", leave, { once: true });
    });
  }

  #count(outcome: QueryOutcome): void {
    this.#outcomes.set(outcome, this.#outcomes.get(outcome)! + 1);
  }
}

/** A value nested deeper than the stack, such as pairs of pairs, counts as an error of the query. */
function withoutOverflow(error: unknown): unknown {
  return error instanceof RangeError ? new QueryError({ code: "too-deep", limit: 400 }) : error;
}
