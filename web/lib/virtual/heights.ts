/**
 * Heights of the rows of a long list, and from them the place of each row. Estimated until measured.
 * Sums are kept up to the first row that changed, so appending to 10,000 rows costs one addition.
 */
export class Heights {
  #heights: number[] = [];
  /** `#tops[i]` = sum of the heights before row i; good for i ≤ `#good`. */
  #tops: number[] = [0];
  #good = 0;

  get count(): number {
    return this.#heights.length;
  }

  /** Sum of all heights. */
  get total(): number {
    return this.top(this.count);
  }

  height(index: number): number {
    return this.#heights[index] ?? 0;
  }

  /** Where row `index` begins; `count` gives the end of the list. */
  top(index: number): number {
    const wanted = Math.max(0, Math.min(index, this.count));
    for (let at = this.#good; at < wanted; at++) this.#tops[at + 1] = (this.#tops[at] ?? 0) + (this.#heights[at] ?? 0);
    this.#good = Math.max(this.#good, wanted);
    return this.#tops[wanted] ?? 0;
  }

  /** Puts a measured height in. Says whether it differs from what was known. */
  set(index: number, height: number): boolean {
    const known = this.#heights[index];
    if (known === undefined || Math.abs(known - height) < 0.5) return false;
    this.#heights[index] = height;
    this.#good = Math.min(this.#good, index);
    return true;
  }

  /** Replaces `removed` rows from `index` on by rows of these heights. */
  splice(index: number, removed: number, heights: readonly number[]): void {
    if (index === this.count) for (const height of heights) this.#heights.push(height);
    else this.#heights = [...this.#heights.slice(0, index), ...heights, ...this.#heights.slice(index + removed)];
    this.#good = Math.min(this.#good, index);
    this.#tops.length = this.#good + 1;
  }

  /** The row at `offset` from the top: the last one that begins at or before it. */
  at(offset: number): number {
    let low = 0;
    let high = Math.max(0, this.count - 1);
    this.top(this.count);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#tops[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Rows to draw: `start` ≤ index < `end`. */
export interface Range {
  start: number;
  end: number;
}

/** The rows in sight, and those at most `margin` pixels away. */
export function rangeInSight(heights: Heights, scrollTop: number, viewport: number, margin: number): Range {
  if (heights.count === 0) return { start: 0, end: 0 };
  const start = heights.at(Math.max(0, scrollTop - margin));
  const end = heights.at(Math.max(0, scrollTop + viewport + margin)) + 1;
  return { start, end };
}

/** How two versions of a list differ: equal items at both ends, and what lies between. */
export interface Difference {
  index: number;
  removed: number;
  added: number;
}

/** Compares by identity; items that did not change must be the same objects. */
export function difference<T>(before: readonly T[], after: readonly T[]): Difference {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  return { index: head, removed: before.length - head - tail, added: after.length - head - tail };
}

/** A guess at the height of a message: wide (East Asian) characters count twice. */
export function estimateHeight(content: string, columns: number, lineHeight: number, padding: number): number {
  let lines = 0;
  for (const paragraph of content.length > 4000 ? [content.slice(0, 4000)] : content.split("\n")) {
    let width = paragraph.length;
    for (let at = 0; at < paragraph.length; at++) if (paragraph.charCodeAt(at) > 0x2e7f) width += 1;
    lines += Math.max(1, Math.ceil(width / Math.max(8, columns)));
  }
  return lines * lineHeight + padding;
}
