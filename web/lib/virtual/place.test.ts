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
