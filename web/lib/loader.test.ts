import { expect, test } from "vitest";
import { Loader, NotLoaded } from "./loader";

test("a part that did not come can be asked for again", async () => {
  let reachable = false;
  const loader = new Loader(async () => {
    if (!reachable) throw new TypeError("network");
    return "the part";
  });
  await expect(loader.load()).rejects.toBeInstanceOf(NotLoaded);
  reachable = true;
  expect(await loader.load()).toBe("the part");
});

test("one that does not come again is of another version, unless there is no network", async () => {
  const loader = new Loader(() => Promise.reject(new TypeError("not found")));
  await loader.load().catch(() => {});
  expect(loader.isStale(true)).toBe(false);
  await loader.load().catch(() => {});
  expect(loader.isStale(true)).toBe(true);
  expect(loader.isStale(false)).toBe(false);
});
