import { difference, Heights, type Range, rangeInSight } from "./heights";

/** What the reader looks at: the end of the list, or a row and how far its top is from the top of the viewport. */
export type Anchor = { kind: "end" } | { kind: "row"; index: number; key: string; offset: number };

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
  anchor: Anchor = { kind: "end" };
  scrollTop = 0;
  viewport = 800;
  #rules: Rules<T>;
  #measured = new Map<string, number>();
  #drawn: Range = { start: 0, end: 0 };

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
    this.anchor =
      item === undefined ? { kind: "end" } : { kind: "row", index: at, key: this.#rules.key(item), offset: 0 };
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
    const most = Math.max(0, this.heights.total + 2 * this.pad - this.viewport);
    if (this.anchor.kind === "end") return most;
    return Math.max(0, Math.min(most, this.heights.top(this.anchor.index) + this.pad - this.anchor.offset));
  }

  /** The reader scrolled. */
  scrolled(scrollTop: number): void {
    this.scrollTop = scrollTop;
    const most = this.heights.total + 2 * this.pad - this.viewport;
    if (scrollTop >= most - endSlack) {
      this.anchor = { kind: "end" };
      return;
    }
    const index = this.heights.at(Math.max(0, scrollTop - this.pad));
    const item = this.items[index];
    if (item === undefined) return;
    this.anchor = {
      kind: "row",
      index,
      key: this.#rules.key(item),
      offset: this.heights.top(index) + this.pad - scrollTop,
    };
  }

  /** The reader wants to see row `index`, `offset` below the top. */
  goTo(index: number, offset: number): void {
    const item = this.items[index];
    if (item === undefined) return;
    this.anchor = { kind: "row", index, key: this.#rules.key(item), offset };
    this.scrollTop = this.wantedTop();
  }

  goToEnd(): void {
    this.anchor = { kind: "end" };
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
    const most = this.heights.total + 2 * this.pad - this.viewport;
    if (this.anchor.kind === "row" && this.heights.top(this.anchor.index) + this.pad - this.anchor.offset >= most)
      this.anchor = { kind: "end" };
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

  #sight(margin: number): Range {
    return rangeInSight(this.heights, this.scrollTop - this.pad, this.viewport, margin);
  }
}
