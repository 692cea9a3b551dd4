import { expect, test } from "vitest";
import { boxOf, durationText, pictureOf, shownOf, sizeText } from "./attachments";

const here = "https://chat.example";

test("a picture is drawn when it lies here, and only led to when it lies elsewhere", () => {
  const own = shownOf("image", { url: `${here}/api/files/1`, width: 40, height: 30 }, here);
  expect(own).toEqual({
    kind: "image",
    href: `${here}/api/files/1`,
    picture: `${here}/api/files/1`,
    width: 40,
    height: 30,
  });
  const foreign = shownOf("image", { url: "https://elsewhere.example/1.png" }, here);
  expect(foreign).toEqual({ kind: "image", href: "https://elsewhere.example/1.png" });
});

test("what was uploaded here is found by its id, with a small picture where there is one", () => {
  const attachment = { fileId: "7", name: "boat.jpg", size: 9, mime: "image/jpeg" };
  const image = shownOf("image", attachment, here);
  expect(image).toMatchObject({ href: "/api/files/7/content", picture: "/api/files/7/thumbnail", stored: true });
  expect(shownOf("image", { ...attachment, mime: "image/gif" }, here).picture).toBe("/api/files/7/content");
  expect(shownOf("file", attachment, here).picture).toBeUndefined();
  // The id alone counts, and only as one.
  expect(shownOf("file", { fileId: "7/../8", url: "https://a.example/b" }, here).href).toBe("https://a.example/b");
});

test("the room of a picture is known before it comes", () => {
  expect(boxOf(3000, 2000)).toEqual({ width: 320, height: 213 });
  expect(boxOf(2000, 4000)).toEqual({ width: 160, height: 320 });
  expect(boxOf(100, 100)).toEqual({ width: 100, height: 100 });
  expect(boxOf(10_000, 10)).toEqual({ width: 320, height: 107 });
  expect(boxOf(1, 1)).toEqual({ width: 72, height: 72 });
  for (const [width, height] of [[undefined, 7] as const, [0, 7] as const, [-1, -1] as const])
    expect(boxOf(width, height)).toEqual({ width: 240, height: 160 });
});

test("no address but that of a page is led to", () => {
  for (const url of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", 7, "not an address"])
    expect(shownOf("file", { url, name: "x" }, here)).toEqual({ kind: "file", name: "x" });
});

test("places and things of one's own", () => {
  expect(shownOf("location", { lat: 52.5, lon: 13.4, address: "Berlin" }, here)).toEqual({
    kind: "location",
    href: "geo:52.5,13.4",
    place: { lat: 52.5, lon: 13.4, address: "Berlin" },
  });
  expect(shownOf("custom", { type: "poll", data: { a: 1 } }, here)).toEqual({ kind: "custom", type: "poll" });
});

test("pictures of people lie here too", () => {
  expect(pictureOf("/api/files/7", here)).toBe(`${here}/api/files/7`);
  expect(pictureOf("https://elsewhere.example/a.png", here)).toBeUndefined();
  expect(pictureOf("", here)).toBeUndefined();
  expect(pictureOf(undefined, here)).toBeUndefined();
  expect(pictureOf("12", here)).toBeUndefined();
});

test("sizes and durations", () => {
  expect(sizeText(999, "en")).toBe("1 kB");
  expect(sizeText(999_600, "en")).toBe("1 MB");
  expect(sizeText(1_440_000, "en")).toBe("1.4 MB");
  expect(sizeText(12, "en")).toBe("12 byte");
  expect(durationText(65_400)).toBe("1:05");
});
