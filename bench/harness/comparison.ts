import { cpuPerMillion, type Measurement, throughput } from "./measurement.js";
import { type Spread, spreadOf, sum } from "./statistics.js";

/** A contestant in a comparison: a tracer with a workload. */
export interface Contestant {
  readonly name: string;
  readonly run: () => Promise<Measurement>;
}

/** The results of a contestant's runs. */
export interface Figures {
  readonly name: string;
  readonly objectsPerSecond: Spread;
  readonly cpuSecondsPerMillion: Spread;
  readonly peakMemoryMiB: Spread;
}

export type Figure = (measurement: Measurement) => number;

/** Figures of contestants that ran in turn, and the ratios between consecutive runs. */
export class Comparison {
  readonly #rounds: ReadonlyMap<string, readonly Measurement[]>;

  private constructor(rounds: ReadonlyMap<string, readonly Measurement[]>) {
    this.#rounds = rounds;
  }

  /** Runs all contestants in turn, `runs` times; every second time in the opposite order. */
  static async of(contestants: readonly Contestant[], runs: number): Promise<Comparison> {
    const rounds = new Map(contestants.map(({ name }) => [name, [] as Measurement[]]));
    for (let round = 0; round < runs; round += 1) {
      for (const { name, run } of round % 2 === 0 ? contestants : contestants.toReversed()) {
        rounds.get(name)!.push(await run());
      }
    }
    return new Comparison(rounds);
  }

  /** `figure` of one divided by that of the other, round by round. */
  ratio(figure: Figure, one: string, other: string): Spread {
    return this.ratioOf([figure, one], [figure, other]);
  }

  /** A figure of one divided by a figure, possibly another, of the other, round by round. */
  ratioOf([figure, one]: [Figure, string], [otherFigure, other]: [Figure, string]): Spread {
    const others = this.#figures(otherFigure, other);
    return spreadOf(this.#figures(figure, one).map((mine, round) => mine / others[round]!));
  }

  /** `figure` of one divided by the mean of those of `all`, round by round. */
  ratioToMean(figure: Figure, one: string, all: readonly string[]): Spread {
    return spreadOf(
      this.#figures(figure, one).map((mine, round) => {
        const ofAll = all.map((name) => this.#figures(figure, name)[round]!);
        return (mine * ofAll.length) / sum(ofAll);
      }),
    );
  }

  spread(figure: Figure, name: string): Spread {
    return spreadOf(this.#figures(figure, name));
  }

  figures(): Figures[] {
    return [...this.#rounds.keys()].map((name) => ({
      name,
      objectsPerSecond: this.spread(throughput, name),
      cpuSecondsPerMillion: this.spread(cpuPerMillion, name),
      peakMemoryMiB: this.spread(({ peakMemoryKiB }) => peakMemoryKiB / 1_024, name),
    }));
  }

  /** Round by round. */
  #figures(figure: Figure, name: string): number[] {
    return this.#rounds.get(name)!.map(figure);
  }
}
