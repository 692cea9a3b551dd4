import { expect, test } from "vitest";
import { callsOff, seek } from "./seek";

/** `at` pages up, of `pages` there are. */
function way(at: number, pages: number, onPage: (page: number) => void = () => {}) {
  let loaded = 0;
  return {
    isThere: () => loaded >= at,
    async loadOlder() {
      loaded += 1;
      onPage(loaded);
      return loaded < pages;
    },
    pages: () => loaded,
  };
}
const never = new AbortController().signal;

test("no more pages are fetched than it takes", async () => {
  const near = way(3, 10);
  expect(await seek(near, 200, never)).toBe("there");
  expect(near.pages()).toBe(3);
  expect(await seek(way(0, 10), 200, never)).toBe("there");
});

test("what is too far, or not there at all, is lost", async () => {
  expect(await seek(way(9, 10), 5, never)).toBe("lost");
  expect(await seek(way(20, 10), 200, never)).toBe("lost");
});

test("a page that does not come ends it", async () => {
  const broken = { isThere: () => false, loadOlder: () => Promise.reject(new Error("offline")) };
  expect(await seek(broken, 200, never)).toBe("lost");
});

test("called off, it fetches nothing more", async () => {
  const stop = new AbortController();
  const far = way(100, 200, (page) => {
    if (page === 2) stop.abort();
  });
  expect(await seek(far, 200, stop.signal)).toBe("off");
  expect(far.pages()).toBe(2);
});

test("it is not gone to either when it was just found", async () => {
  const stop = new AbortController();
  expect(
    await seek(
      way(1, 9, () => stop.abort()),
      200,
      stop.signal,
    ),
  ).toBe("off");
});

test("keys that scroll what is read call it off, those that are typed do not", () => {
  expect(["Escape", "PageDown", "a"].map((key) => callsOff(key, true))).toEqual([true, true, false]);
  expect(["Escape", "PageDown", " "].map((key) => callsOff(key, false))).toEqual([true, false, false]);
});
