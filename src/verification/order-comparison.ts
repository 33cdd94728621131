import { type Findings, Places } from "./findings.js";
import { Gaps } from "./gaps.js";
import { OrderCount } from "./order-count.js";
import { RecentKeys } from "./recent-keys.js";
import { type SentKeys, SentWindow } from "./sent-window.js";

/** One line of a log. */
export interface FoundLine {
  /** What it is compared by; NaN equals nothing. */
  readonly key: number;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** What the line is if nothing sent matches it; called only then. */
  readonly otherwise: () => "torn" | "foreign" | "blank";
}

export interface ComparisonOptions {
  /** How many lines a line may be displaced, or repeated later, and still be recognised. */
  window: number;
  /** Most places kept of each defect. */
  maxPlaces: number;
  /** Number of the first object sent, as places of losses show it. */
  firstNumber: number;
}

/** Unknown lines in a row after which the whole rest of what was sent is searched for one of them. */
const unknownsBeforeSearch = 64;
/**
 * Failed searches that may read to the end of what was sent; after those each must be earned by lines, or a log with an occasional foreign
 * line would take time in the square of its length.
 */
const freeSearches = 32;
const searchedPerLine = 64;

/**
 * Compares the lines of one log, in their order, with what was sent, in bounded memory.
 *
 * The next line is expected to be the next key. If it is not, it is looked for among what was skipped (it is late),
 * in the window ahead (what is between is skipped, and lost unless it follows within the window), and among what was found
 * recently (it is doubled). Many unknown lines in a row start a search of everything sent: so a gap of any length is a loss.
 */
export class OrderComparison {
  readonly #window: number;
  readonly #ahead: SentWindow;
  readonly #recent: RecentKeys;
  readonly #order = new OrderCount();
  readonly #places: Places;
  readonly #gaps = new Gaps();
  /** Unknown lines in a row that are not counted yet. */
  #unknown: FoundLine[] = [];
  #searchAt = unknownsBeforeSearch;
  #failedSearches = 0;
  /** Keys read by failed searches that were not free. */
  #searchedKeys = 0;
  #lastIndex = -1;
  #matched = 0;
  #lost = 0;
  #doubled = 0;
  #torn = 0;
  #foreign = 0;

  constructor(sent: SentKeys, options: ComparisonOptions) {
    this.#window = options.window;
    this.#ahead = new SentWindow(sent);
    this.#recent = new RecentKeys(options.window);
    this.#places = new Places(options.maxPlaces, options.firstNumber);
  }

  /** Returns whether the key is the next expected one, and takes it if so; the fast path of nearly every line. */
  takeExpected(key: number): boolean {
    if (this.#ahead.head !== key || this.#unknown.length > 0) return false;
    this.#takeHead(key);
    return true;
  }

  /** Takes any line. `nextKey` is the key of the line after it, if known; it decides between possible explanations of a repeated text. */
  async take(line: FoundLine, nextKey?: number): Promise<void> {
    await this.#ahead.load();
    if (this.#ahead.head === line.key) {
      this.#countUnknown();
      this.#takeHead(line.key);
      return;
    }
    await this.#ahead.fill(this.#window);
    const isInsertion = nextKey !== undefined && nextKey === this.#ahead.head;
    const late = this.#gaps.has(line.key);
    const further = this.#ahead.find(line.key);
    if (late && (isInsertion || further === undefined)) {
      this.#countUnknown();
      this.#takeLate(line);
    } else if (further !== undefined && !(isInsertion && this.#recent.has(line.key))) {
      this.#countUnknown();
      this.#skipTo(further, line);
      this.#takeHead(line.key);
    } else if (this.#recent.has(line.key)) {
      this.#doubled += 1;
      this.#places.add({ defect: "doubled", file: line.file, line: line.line });
    } else {
      await this.#takeUnknown(line);
    }
  }

  /** No more lines; `at` is where the next would be. */
  async end(at: { file: string; line: number }): Promise<Findings> {
    while (this.#unknown.length > 0 && (await this.#search()));
    this.#countUnknown();
    this.#giveUpGaps(Number.POSITIVE_INFINITY);
    const firstLeft = this.#ahead.position;
    const left = await this.#ahead.drain();
    if (left > 0) {
      this.#lost += left;
      this.#places.addLoss(firstLeft, at, left);
    }
    return {
      sent: this.#matched + this.#lost,
      found: this.#matched + this.#doubled + this.#torn + this.#foreign,
      lost: this.#lost,
      doubled: this.#doubled,
      disordered: this.#matched - this.#order.inOrder,
      torn: this.#torn,
      foreign: this.#foreign,
      places: this.#places.list(),
    };
  }

  async stop(): Promise<void> {
    await this.#ahead.stop();
  }

  #takeHead(key: number): void {
    const index = this.#ahead.position;
    this.#ahead.advance();
    this.#matched += 1;
    this.#lastIndex = index;
    this.#recent.add(key);
    if (this.#gaps.size === 0) {
      this.#order.addLast();
      return;
    }
    this.#order.add(index, this.#gaps.oldest);
    this.#giveUpGaps(index - this.#window);
  }

  #takeLate(line: FoundLine): void {
    const smallestOpen = this.#gaps.oldest;
    const index = this.#gaps.close(line.key);
    this.#order.add(index, smallestOpen);
    this.#matched += 1;
    this.#recent.add(line.key);
    if (index < this.#lastIndex) this.#places.add({ defect: "disordered", file: line.file, line: line.line });
    this.#lastIndex = index;
  }

  #skipTo(index: number, line: FoundLine): void {
    const at = { file: line.file, line: line.line };
    while (this.#ahead.position < index) {
      this.#gaps.add({ index: this.#ahead.position, key: this.#ahead.head!, at });
      this.#ahead.advance();
    }
  }

  async #takeUnknown(line: FoundLine): Promise<void> {
    const otherwise = line.otherwise();
    if (otherwise === "blank") return;
    if (otherwise === "torn") {
      this.#torn += 1;
      this.#places.add({ defect: "torn", file: line.file, line: line.line });
      return;
    }
    // The line's bytes are no longer valid when it is compared again.
    this.#unknown.push({ ...line, otherwise: () => otherwise });
    if (this.#unknown.length < this.#searchAt) return;
    if (await this.#search()) return;
    this.#searchAt *= 2;
    if (this.#unknown.length >= this.#window) this.#countUnknown({ keepSearchPause: true });
  }

  get #linesTaken(): number {
    return this.#matched + this.#doubled + this.#torn + this.#foreign + this.#unknown.length;
  }

  /** Searches everything sent and not found yet for the unknown lines; if one is found, everything before it is lost. */
  async #search(): Promise<boolean> {
    const lines = this.#unknown;
    if (this.#searchedKeys > searchedPerLine * this.#linesTaken) return false;
    const { index, searched } = await this.#ahead.findBeyond(new Set(lines.map(({ key }) => key)));
    if (index === undefined) {
      this.#failedSearches += 1;
      if (this.#failedSearches > freeSearches) this.#searchedKeys += searched;
      return false;
    }
    this.#unknown = [];
    this.#searchAt = unknownsBeforeSearch;
    this.#giveUpGaps(Number.POSITIVE_INFINITY);
    const first = lines[0]!;
    const skipped = index - this.#ahead.position;
    this.#lost += skipped;
    this.#places.addLoss(this.#ahead.position, { file: first.file, line: first.line }, skipped);
    await this.#ahead.jump(index);
    for (const line of lines) await this.take(line);
    return true;
  }

  /** Counts the unknown lines so far as foreign. */
  #countUnknown(options: { keepSearchPause?: boolean } = {}): void {
    if (this.#unknown.length === 0) return;
    this.#foreign += this.#unknown.length;
    for (const { file, line } of this.#unknown) this.#places.add({ defect: "foreign", file, line });
    this.#unknown = [];
    if (options.keepSearchPause !== true) this.#searchAt = unknownsBeforeSearch;
  }

  /** Counts what was skipped before `index` and not found as lost. */
  #giveUpGaps(index: number): void {
    for (const gap of this.#gaps.giveUp(index)) {
      this.#lost += 1;
      this.#places.addLoss(gap.index, gap.at);
    }
  }
}
