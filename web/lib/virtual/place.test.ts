import { describe, expect, test } from "vitest";
import { Place } from "./place";

interface Item {
  id: number;
}
const all = Array.from({ length: 2000 }, (_, id): Item => ({ id }));
/** True heights, which the place does not know before it measures. */
const trueHeight = (item: Item) => 24 + ((item.id * 37) % 150);
const make = () => new Place<Item>({ key: (item) => `${item.id}`, estimate: () => 50 }, 12);

/** Does what the page does: draws, measures, scrolls, until nothing moves. */
function settle(place: Place<Item>): number {
  let rounds = 0;
  for (;;) {
    for (let at = place.drawn.start; at < place.drawn.end; at++) {
      const item = place.items[at];
      if (item) place.measure(at, trueHeight(item));
    }
    place.scrollTop = place.wantedTop();
    if (!place.look()) return rounds;
    rounds += 1;
    if (rounds > 20) throw new Error("does not come to rest");
  }
}

/** Where the top of a row is on the screen. */
const screenTop = (place: Place<Item>, item: Item) =>
  place.heights.top(place.items.indexOf(item)) + place.pad - place.scrollTop;

describe("Place", () => {
  test("begins at the end and stays there", () => {
    const place = make();
    place.update(all.slice(1000, 1100));
    settle(place);
    expect(place.drawn.end).toBe(100);
    place.update(all.slice(1000, 1105));
    settle(place);
    expect(place.drawn.end).toBe(105);
    expect(place.scrollTop).toBeCloseTo(place.heights.total + 24 - place.viewport);
  });

  test("older messages do not move what is read", () => {
    const place = make();
    place.update(all.slice(1000, 1200));
    settle(place);
    place.scrolled(4000);
    settle(place);
    const seen = place.items[place.drawn.start + 20] as Item;
    const before = screenTop(place, seen);
    for (let from = 950; from >= 0; from -= 50) {
      place.update(all.slice(from, 1200));
      settle(place);
      expect(screenTop(place, seen)).toBeCloseTo(before, 3);
    }
  });

  test("newer messages do not either", () => {
    const place = make();
    place.update(all.slice(0, 500));
    settle(place);
    place.scrolled(9000);
    settle(place);
    const seen = place.items[place.drawn.start + 20] as Item;
    const before = screenTop(place, seen);
    for (let to = 501; to < 700; to++) {
      place.update(all.slice(0, to));
      settle(place);
    }
    expect(screenTop(place, seen)).toBeCloseTo(before, 3);
    expect(place.atEnd).toBe(false);
  });

  test("scrolling up through estimates comes to rest and shows each row once", () => {
    const place = make();
    place.update(all);
    settle(place);
    while (place.scrollTop > 0) {
      place.scrolled(Math.max(0, place.scrollTop - 300));
      settle(place);
      const top = place.heights.top(place.drawn.start) + place.pad - place.scrollTop;
      const end = place.heights.top(place.drawn.end) + place.pad - place.scrollTop;
      expect(top).toBeLessThanOrEqual(place.pad);
      expect(end).toBeGreaterThanOrEqual(place.viewport - place.pad);
      expect(place.drawn.end - place.drawn.start).toBeLessThan(120);
    }
    expect(place.drawn.start).toBe(0);
  });

  test("the row that was read is replaced", () => {
    const place = make();
    place.update(all.slice(0, 300));
    settle(place);
    place.scrolled(5000);
    const anchor = place.anchor;
    if (anchor.kind !== "row") throw new Error("no row");
    // The same message as another object, as when a pending one was stored.
    const items = place.items.map((item, at) => (at === anchor.index ? { ...item } : item));
    const before = place.wantedTop();
    place.update(items);
    expect(place.wantedTop()).toBeCloseTo(before, 3);
    // The whole list becomes another one.
    place.update(all.slice(1500, 1510));
    settle(place);
    expect(place.drawn).toEqual({ start: 0, end: 10 });
    place.update([]);
    expect(place.drawn).toEqual({ start: 0, end: 0 });
    expect(place.wantedTop()).toBe(0);
  });

  test("goes to a row, and back to the end", () => {
    const place = make();
    place.update(all.slice(0, 300));
    place.goTo(100, 40);
    settle(place);
    expect(screenTop(place, all[100] as Item)).toBeCloseTo(40, 3);
    place.goToEnd();
    settle(place);
    expect(place.atEnd).toBe(true);
    expect(place.lastSeen()).toBe(299);
  });

  test("a row so near to the end that all below it is in sight is the end", () => {
    const place = make();
    place.update(all.slice(0, 300));
    place.goTo(297, 64);
    settle(place);
    place.rest();
    expect(place.atEnd).toBe(true);
    place.goTo(200, 64);
    settle(place);
    place.rest();
    expect(place.atEnd).toBe(false);
  });

  test("another width: the place is kept", () => {
    const place = make();
    place.update(all.slice(0, 300));
    place.goTo(150, 0);
    settle(place);
    place.forget();
    settle(place);
    expect(screenTop(place, all[150] as Item)).toBeCloseTo(0, 3);
  });
});

/** A page as browsers have them: what is drawn has true heights, the rest is padding, and the reader scrolls whenever they like. */
class Page {
  top = 0;
  readonly #place: Place<Item>;
  #start = 0;
  #rows: readonly Item[] = [];
  #above = 0;
  #below = 0;

  constructor(place: Place<Item>) {
    this.#place = place;
    this.draw();
  }

  get most(): number {
    return Math.max(0, this.#above + heightOf(this.#rows) + this.#below - this.#place.viewport);
  }

  /** Draws, and settles as the client does until nothing is left to draw. */
  draw(): void {
    const place = this.#place;
    do {
      const { start, end } = place.drawn;
      this.#start = start;
      this.#rows = place.items.slice(start, end);
      this.#above = place.heights.top(start) + place.pad;
      this.#below = place.heights.total - place.heights.top(end) + place.pad;
      this.top = Math.min(this.top, this.most);
    } while (this.settle());
  }

  settle(): boolean {
    const place = this.#place;
    place.stands(this.top, this.most);
    for (const [at, item] of this.#rows.entries()) place.measure(this.#start + at, trueHeight(item));
    const wanted = place.wantedTop();
    if (Math.abs(this.top - wanted) >= 1) this.top = Math.max(0, Math.min(this.most, Math.round(wanted)));
    place.stood(this.top);
    return place.look();
  }

  /** What the reader scrolls; how far the page really moved. The page is told later, or never. */
  wheel(by: number): number {
    const before = this.top;
    this.top = Math.max(0, Math.min(this.most, this.top + by));
    return this.top - before;
  }

  /** The event that tells the client of it. */
  tell(): void {
    if (this.#place.stands(this.top, this.most)) this.#place.look();
  }

  /** Where the rows that are drawn begin on the screen. */
  screen(): Map<Item, number> {
    const rows = this.#rows;
    return new Map(rows.map((item, at) => [item, this.#above + heightOf(rows.slice(0, at)) - this.top]));
  }
}

const heightOf = (rows: readonly Item[]) => rows.reduce((sum, item) => sum + trueHeight(item), 0);

describe("whatever is drawn, measured or added meanwhile, a step of the reader is neither taken back nor doubled", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("seed %i", (seed) => {
    let state = seed;
    const next = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return (state >>> 8) % below;
    };
    const place = make();
    let [from, to] = [900, 1100];
    place.update(all.slice(from, to));
    const page = new Page(place);
    let checked = 0;
    for (let round = 0; round < 300; round++) {
      const before = page.screen();
      let moved = 0;
      let isFree = true;
      for (let step = next(6); step >= 0; step--) {
        const kind = next(6);
        if (kind < 3) {
          // Up more than down, in steps of all sizes.
          const by = next(3) > 0 ? -1 - next(400) : 1 + next(200);
          const really = page.wheel(by);
          moved += really;
          isFree &&= really === by;
        } else if (kind === 3) page.tell();
        else if (kind === 4) page.draw();
        else {
          from = Math.max(0, from - next(3) * 20);
          to = Math.min(2000, to + next(4));
          place.update(all.slice(from, to));
        }
      }
      page.draw();
      // At either end a place cannot be kept: there is nothing to scroll.
      if (!isFree || place.atEnd || page.top < 1500 || page.top > page.most - 1500) continue;
      const after = page.screen();
      const same = [...before].filter(
        ([item, top]) => after.has(item) && top - moved >= 0 && top - moved < place.viewport,
      );
      if (same.length === 0) continue;
      checked += 1;
      for (const [item, top] of same) expect(Math.abs((after.get(item) as number) - (top - moved))).toBeLessThan(2);
    }
    expect(checked).toBeGreaterThan(30);
  });

  test("a small step from the end stays where it went", () => {
    const place = make();
    place.update(all.slice(0, 100));
    const page = new Page(place);
    page.wheel(-20);
    page.tell();
    expect(place.atEnd).toBe(true);
    page.draw();
    expect(page.top).toBe(page.most - 20);
    // It follows what comes all the same.
    place.update(all.slice(0, 103));
    page.draw();
    expect(Math.abs(page.top - (page.most - 20))).toBeLessThan(1);
  });

  test("a list that becomes shorter was not scrolled by its reader", () => {
    const place = make();
    place.update(all.slice(0, 100));
    const page = new Page(place);
    place.update(all.slice(0, 20));
    page.draw();
    expect(place.atEnd).toBe(true);
    expect(page.top).toBe(page.most);
    // Ends of lists lie between pixels; where they are told to be is rounded.
    place.stood(1000);
    expect([place.stands(899, 900), place.stands(901, 900), place.stands(890, 900)]).toEqual([false, false, true]);
  });
});
