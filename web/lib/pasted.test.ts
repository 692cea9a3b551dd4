import { expect, test } from "vitest";
import { areFilesMeant } from "./pasted";

const files = (...names: string[]) => names.map((name) => ({ name }));

test.each([
  ["nothing beside it", "", files("boat.png")],
  ["its name", "boat.png", files("boat.png")],
  ["its name as it is shown", "boat", files("boat.png")],
  ["names, each in a line", "boat.png\rtides.txt\n", files("boat.png", "tides.txt")],
  ["its name in other code points", "café.png".normalize("NFC"), files("café.png".normalize("NFD"))],
])("files are meant: %s", (_, text, given) => {
  expect(areFilesMeant(text, given)).toBe(true);
});

test.each([
  ["a table and its picture", "a\tb\n1\t2", files("image.png")],
  ["a text that names it", "See boat.png", files("boat.png")],
  ["another line", "boat.png\nand more", files("boat.png")],
  ["no file at all", "", []],
])("the text is meant: %s", (_, text, given) => {
  expect(areFilesMeant(text, given)).toBe(false);
});
