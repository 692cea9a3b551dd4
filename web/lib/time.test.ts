import { expect, test } from "vitest";
import { Clock, dayOf } from "./time";

const now = new Date(2026, 4, 20, 12, 0).getTime();
const at = (day: number, hour: number) => new Date(2026, 4, day, hour, 5).getTime();
const en = new Clock("en-GB");
const zh = new Clock("zh-CN");

test("days are the reader's days", () => {
  expect(dayOf(new Date(2026, 4, 20, 0, 0).getTime())).toBe(dayOf(new Date(2026, 4, 20, 23, 59).getTime()));
  expect(dayOf(new Date(2026, 4, 21, 0, 0).getTime())).toBe(dayOf(now) + 1);
});

test("separators name the day", () => {
  expect(en.day(at(20, 9), now)).toBe("Today");
  expect(zh.day(at(20, 9), now)).toBe("今天");
  expect(en.day(at(19, 23), now)).toBe("Yesterday");
  expect(en.day(at(3, 9), now)).toBe("Sunday 3 May");
  expect(en.day(new Date(2023, 0, 2).getTime(), now)).toBe("2 January 2023");
});

test("the list has the shortest text that is not ambiguous", () => {
  expect(en.brief(at(20, 9), now)).toBe("09:05");
  expect(en.brief(at(19, 9), now)).toBe("Yesterday");
  expect(en.brief(at(15, 9), now)).toBe("Fri");
  expect(en.brief(at(13, 9), now)).toBe("13/05/26");
  // A sender's clock ahead of ours is today still.
  expect(en.brief(at(21, 9), now)).toBe("09:05");
});

test("last seen", () => {
  expect(en.ago(now - 5 * 60_000, now)).toBe("5 minutes ago");
  expect(en.ago(now - 3 * 3_600_000, now)).toBe("3 hours ago");
  expect(en.ago(at(18, 9), now)).toBe("2 days ago");
  expect(zh.ago(now - 5 * 60_000, now)).toBe("5分钟前");
  expect(en.ago(now + 5000, now)).toBe("this minute");
});

test("records have all of it, to the second", () => {
  expect(en.moment(at(20, 14))).toBe("20 May 2026, 14:05:00");
  expect(zh.moment(at(20, 14))).toBe("2026年5月20日 14:05:00");
});
