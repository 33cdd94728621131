/** A page is a run of points of one series; series get and release memory page by page. */
export const pointsPerPage = 64;

/** Per point a number and four bytes of time; per page its base, count, links, owner, and place in the list of its series. */
export const bytesPerPage = pointsPerPage * 12 + 33;

const slabBits = 10;
const pagesPerSlab = 1 << slabBits;
const none = -1;

/** Many pages side by side, so that millions of points are a few typed arrays. */
class Slab<Owner> {
  /** Milliseconds after the base of the page. */
  readonly offsets = new Uint32Array(pagesPerSlab * pointsPerPage);
  readonly values = new Float64Array(pagesPerSlab * pointsPerPage);
  /** Time of the page's first point, in milliseconds since 1970. */
  readonly bases = new Float64Array(pagesPerSlab);
  readonly counts = new Uint8Array(pagesPerSlab);
  readonly older = new Int32Array(pagesPerSlab);
  readonly newer = new Int32Array(pagesPerSlab);
  readonly owners: (Owner | undefined)[] = new Array(pagesPerSlab).fill(undefined);
}

/** The columns of a page, valid until the next call. Times are `base + offsets[first + n]`. */
export interface PageView {
  readonly offsets: Uint32Array;
  readonly values: Float64Array;
  readonly base: number;
  readonly first: number;
  readonly count: number;
}

/** Pages of points, in the order of the last append: the page that has waited longest for a point is the oldest. */
export class Pages<Owner> {
  readonly #slabs: Slab<Owner>[] = [];
  readonly #free: number[] = [];
  #oldest = none;
  #newest = none;
  #inUse = 0;
  #points = 0;

  get inUse(): number {
    return this.#inUse;
  }

  get points(): number {
    return this.#points;
  }

  /** The page to remove first, if there is any. */
  get oldest(): number | undefined {
    return this.#oldest === none ? undefined : this.#oldest;
  }

  ownerOf(page: number): Owner {
    return this.#slab(page).owners[index(page)]!;
  }

  view(page: number): PageView {
    const slab = this.#slab(page);
    const at = index(page);
    return {
      offsets: slab.offsets,
      values: slab.values,
      base: slab.bases[at]!,
      first: at * pointsPerPage,
      count: slab.counts[at]!,
    };
  }

  /** Time of the page's first point. */
  begin(page: number): number {
    return this.#slab(page).bases[index(page)]!;
  }

  /** Time of the page's last point. */
  end(page: number): number {
    const slab = this.#slab(page);
    const at = index(page);
    return slab.bases[at]! + slab.offsets[at * pointsPerPage + slab.counts[at]! - 1]!;
  }

  count(page: number): number {
    return this.#slab(page).counts[index(page)]!;
  }

  /** Takes a new page, which begins with this point. */
  take(owner: Owner, time: number, value: number): number {
    if (this.#free.length === 0) this.#grow();
    const page = this.#free.pop()!;
    const slab = this.#slab(page);
    const at = index(page);
    slab.owners[at] = owner;
    slab.bases[at] = time;
    slab.counts[at] = 0;
    this.#inUse += 1;
    this.#link(page);
    this.append(page, time, value);
    return page;
  }

  /** Appends a point whose time is not before the last one's; false if it does not fit. */
  append(page: number, time: number, value: number): boolean {
    const slab = this.#slab(page);
    const at = index(page);
    const count = slab.counts[at]!;
    const offset = time - slab.bases[at]!;
    if (count === pointsPerPage || offset > 0xffff_ffff) return false;
    slab.offsets[at * pointsPerPage + count] = offset;
    slab.values[at * pointsPerPage + count] = value;
    slab.counts[at] = count + 1;
    this.#points += 1;
    if (page !== this.#newest) {
      this.#unlink(page);
      this.#link(page);
    }
    return true;
  }

  /** Appends points from place `first` on, ascending, as many as fit; returns how many. */
  appendMany(page: number, times: Float64Array, values: Float64Array, first: number, count: number): number {
    const slab = this.#slab(page);
    const at = index(page);
    const before = slab.counts[at]!;
    const base = slab.bases[at]!;
    const fitting = Math.min(pointsPerPage - before, count - first);
    let n = 0;
    for (; n < fitting; n += 1) {
      const offset = times[first + n]! - base;
      if (offset > 0xffff_ffff) break;
      slab.offsets[at * pointsPerPage + before + n] = offset;
      slab.values[at * pointsPerPage + before + n] = values[first + n]!;
    }
    slab.counts[at] = before + n;
    this.#points += n;
    if (n > 0 && page !== this.#newest) {
      this.#unlink(page);
      this.#link(page);
    }
    return n;
  }

  /** Removes the last points of the page and keeps this many, at least one. */
  shorten(page: number, count: number): void {
    const slab = this.#slab(page);
    this.#points -= slab.counts[index(page)]! - count;
    slab.counts[index(page)] = count;
  }

  release(page: number): void {
    const slab = this.#slab(page);
    const at = index(page);
    this.#points -= slab.counts[at]!;
    slab.owners[at] = undefined;
    this.#unlink(page);
    this.#free.push(page);
    this.#inUse -= 1;
  }

  #slab(page: number): Slab<Owner> {
    return this.#slabs[page >>> slabBits]!;
  }

  #grow(): void {
    const first = this.#slabs.length * pagesPerSlab;
    this.#slabs.push(new Slab());
    for (let page = first + pagesPerSlab - 1; page >= first; page -= 1) this.#free.push(page);
  }

  #link(page: number): void {
    const slab = this.#slab(page);
    slab.older[index(page)] = this.#newest;
    slab.newer[index(page)] = none;
    if (this.#newest === none) this.#oldest = page;
    else this.#slab(this.#newest).newer[index(this.#newest)] = page;
    this.#newest = page;
  }

  #unlink(page: number): void {
    const slab = this.#slab(page);
    const older = slab.older[index(page)]!;
    const newer = slab.newer[index(page)]!;
    if (older === none) this.#oldest = newer;
    else this.#slab(older).newer[index(older)] = newer;
    if (newer === none) this.#newest = older;
    else this.#slab(newer).older[index(newer)] = older;
  }
}

function index(page: number): number {
  return page & (pagesPerSlab - 1);
}
