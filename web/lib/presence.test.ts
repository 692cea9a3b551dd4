import { expect, test } from "vitest";
import type { Presence } from "./oort";
import { devicesOf, standingOf } from "./presence";

const here = (...devices: [kind: string, away: boolean][]): Presence => ({
  online: devices.length > 0,
  lastSeenMs: 0,
  away: devices.length > 0 && devices.every(([, away]) => away),
  devices: devices.map(([kind, away]) => ({ kind, away })),
});

test("there, away, or neither", () => {
  expect(standingOf(undefined)).toBeNull();
  expect(standingOf(here())).toBeNull();
  expect(standingOf(here(["web", true]))).toBe("away");
  expect(standingOf(here(["web", true], ["phone", false]))).toBe("online");
});

test("devices that are used are told, else those that are there", () => {
  expect(devicesOf(here(["web", true], ["phone", false]))).toEqual(["phone"]);
  expect(devicesOf(here(["web", true], ["phone", true]))).toEqual(["web", "phone"]);
  expect(devicesOf(here(["other", false], ["toaster", false]))).toEqual([]);
});
