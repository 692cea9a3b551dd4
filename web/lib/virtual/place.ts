import { difference, Heights, type Range, rangeInSight } from "./heights";

/** What the reader looks at: the end of the list and what is left below, or a row and how far its top is from the top of the viewport. */
export type Anchor = { kind: "end"; below: number } | { kind: "row"; index: number; key: string; offset: number };

const theEnd: Anchor = { kind: "end", below: 0 };

interface Rules<T> {
  key: (item: T) => string;
  estimate: (item: T) => number;
}

/** Rows drawn beyond the edges, so that scrolling shows no blanks. */
const drawnMargin = 1000;
/** When fewer than this are left, more are drawn. */
const neededMargin = 350;
/** This near to the end counts as at the end: the reader wants to follow. */
const endSlack = 32;

/**
 * The place of a reader in a long list of rows of unknown heights. Whatever changes above or below, what the reader looks at
 * stays where it is. Knows nothing of the page: it is told what is measured and tells where to scroll to.
 */
export class Place<T> {
  readonly heights = new Heights();
  /** Space above the first row and below the last. */
  readonly pad: number;
  items: readonly T[] = [];
  anchor: Anchor = theEnd;
  scrollTop = 0;
  viewport = 800;
  #rules: Rules<T>;
  #measured = new Map<string, number>();
  #drawn: Range = { start: 0, end: 0 };
  /** Where the page stood when it was looked at last. */
  #stood = 0;

  constructor(rules: Rules<T>, pad: number) {
    this.#rules = rules;
    this.pad = pad;
  }

  /** Takes a new version of the list. */
  update(items: readonly T[]): void {
    if (items === this.items) return;
    const { index, removed, added } = difference(this.items, items);
    const middle = items.slice(index, index + added);
    this.heights.splice(
      index,
      removed,
      middle.map((item) => this.#measured.get(this.#rules.key(item)) ?? this.#rules.estimate(item)),
    );
    this.items = items;
    if (this.anchor.kind === "row") this.#moveAnchor(this.anchor, index, removed, added);
    this.scrollTop = this.wantedTop();
    this.#drawn = this.#sight(drawnMargin);
  }

  #moveAnchor(anchor: Anchor & { kind: "row" }, index: number, removed: number, added: number): void {
    if (anchor.index < index) return;
    if (anchor.index >= index + removed) {
      anchor.index += added - removed;
      return;
    }
    for (let at = index; at < index + added; at++) {
      const item = this.items[at];
      if (item !== undefined && this.#rules.key(item) === anchor.key) {
        anchor.index = at;
        return;
      }
    }
    // The row itself is gone: its neighbour takes its place.
    const at = Math.min(index, this.items.length - 1);
    const item = this.items[at];
    this.anchor = item === undefined ? theEnd : { kind: "row", index: at, key: this.#rules.key(item), offset: 0 };
  }

  /** The width changed: what was measured is worth nothing. */
  forget(): void {
    this.#measured.clear();
    this.heights.splice(0, this.heights.count, this.items.map(this.#rules.estimate));
  }

  /** Row `index` was measured. Says whether it has another height than thought. */
  measure(index: number, height: number): boolean {
    const item = this.items[index];
    if (item === undefined) return false;
    this.#measured.set(this.#rules.key(item), height);
    return this.heights.set(index, height);
  }

  /** Where to scroll to so that the reader keeps the place. */
  wantedTop(): number {
    const { anchor } = this;
    const most = Math.max(0, this.#most());
    const wanted =
      anchor.kind === "end" ? most - anchor.below : this.heights.top(anchor.index) + this.pad - anchor.offset;
    return Math.max(0, Math.min(most, wanted));
  }

  /**
   * The page stands at `top` and could stand at `most`. What it moved since it was looked at last is the reader's doing, also while
   * rows were drawn or measured: it is added to the place. Says whether it moved. To be told before anything else changes the place.
   */
  stands(top: number, most: number): boolean {
    // When the list becomes shorter the browser moves by itself, but no further than to its end, which it tells in whole pixels.
    const isClamped = this.#stood > most;
    const moved = top - (isClamped ? most : this.#stood);
    // Less than a pixel may be rounding; what the reader adds up to more is taken then.
    if (Math.abs(moved) < (isClamped ? 2 : 1)) return false;
    this.#stood = top;
    this.scrolled(this.wantedTop() + moved);
    return true;
  }

  /** The page was scrolled to `top`, as near to what was wanted as it could. */
  stood(top: number): void {
    this.#stood = top;
    this.scrollTop = top;
  }

  /** The reader scrolled to there. */
  scrolled(scrollTop: number): void {
    this.scrollTop = scrollTop;
    const below = this.#most() - scrollTop;
    if (below <= endSlack) {
      this.anchor = { kind: "end", below: Math.max(0, below) };
      return;
    }
    const index = this.#firstKnown(scrollTop);
    const item = this.items[index];
    if (item === undefined) return;
    this.anchor = {
      kind: "row",
      index,
      key: this.#rules.key(item),
      offset: this.heights.top(index) + this.pad - scrollTop,
    };
  }

  /** The first row in sight whose height is known: one that is only guessed would push away what is read. Without any, the first. */
  #firstKnown(scrollTop: number): number {
    const first = this.heights.at(Math.max(0, scrollTop - this.pad));
    const end = this.heights.at(Math.max(0, scrollTop - this.pad + this.viewport));
    for (let index = first; index <= end; index++) {
      const item = this.items[index];
      if (item !== undefined && this.#measured.has(this.#rules.key(item))) return index;
    }
    return first;
  }

  /** The reader wants to see row `index`, `offset` below the top. */
  goTo(index: number, offset: number): void {
    const item = this.items[index];
    if (item === undefined) return;
    this.anchor = { kind: "row", index, key: this.#rules.key(item), offset };
    this.scrollTop = this.wantedTop();
  }

  goToEnd(): void {
    this.anchor = theEnd;
    this.scrollTop = this.wantedTop();
  }

  get atEnd(): boolean {
    return this.anchor.kind === "end";
  }

  /** The rows to draw. Stays the same while enough of them is there. */
  get drawn(): Range {
    return this.#drawn;
  }

  /** Below what the reader wants to see is not enough to fill the viewport: then it is the end that is seen. */
  rest(): void {
    if (this.anchor.kind !== "row") return;
    if (this.heights.top(this.anchor.index) + this.pad - this.anchor.offset >= this.#most()) this.anchor = theEnd;
  }

  /** Says whether other rows must be drawn than those that are. */
  look(): boolean {
    const needed = this.#sight(neededMargin);
    if (needed.start >= this.#drawn.start && needed.end <= this.#drawn.end) return false;
    this.#drawn = this.#sight(drawnMargin);
    return true;
  }

  /** The last row whose end is in sight. */
  lastSeen(): number {
    return this.heights.at(Math.max(0, this.scrollTop + this.viewport - this.pad - endSlack));
  }

  /** Where the page stands at its end; negative when not even the viewport is full. */
  #most(): number {
    return this.heights.total + 2 * this.pad - this.viewport;
  }

  #sight(margin: number): Range {
    return rangeInSight(this.heights, this.scrollTop - this.pad, this.viewport, margin);
  }
}
