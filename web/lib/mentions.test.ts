import { expect, test } from "vitest";
import { calls, mentioned, mentionQuery, names, offeredFor, withMention } from "./mentions";

const ann = { id: "2", username: "ann" };
const anna = { id: "3", username: "anna" };
const an = { id: "4", username: "安" };
const joanne = { id: "5", username: "Joanne" };

test.each<[string, { at: number; query: string } | null]>([
  ["@", { at: 0, query: "" }],
  ["hello @an", { at: 6, query: "an" }],
  ["你好，@安", { at: 3, query: "安" }],
  ["(@bob", { at: 1, query: "bob" }],
  ["ann@example.org", null],
  ["@ann and", null],
  ["hello", null],
])("what is typed at the end of %j", (text, expected) => {
  expect(mentionQuery(text, text.length)).toEqual(expected);
});

test("a name takes the place of what was typed of it", () => {
  expect(withMention("hi @a there", { at: 3, query: "a" }, "ann")).toEqual({ text: "hi @ann there", caret: 8 });
  expect(withMention("@", { at: 0, query: "" }, "安")).toEqual({ text: "@安 ", caret: 3 });
});

test("only names that still stand there are spoken to, each once", () => {
  expect(mentioned("@anna, come", [ann, anna, anna])).toEqual(["3"]);
  expect(mentioned("@ann and @安!", [ann, anna, an])).toEqual(["2", "4"]);
  expect(names("@anna @ann", "ann")).toBe(true);
});

test("names in a text", () => {
  expect(calls("hi @ann, ask a@b.org or @安!")).toEqual([
    { text: "hi ", called: false },
    { text: "@ann", called: true },
    { text: ", ask a@b.org or ", called: false },
    { text: "@安", called: true },
    { text: "!", called: false },
  ]);
  expect(calls("nobody")).toEqual([{ text: "nobody", called: false }]);
});

test("names that begin so come first", () => {
  const all = [joanne, anna, ann, an];
  expect(offeredFor("an", all, 8)).toEqual([ann, anna, joanne]);
  expect(offeredFor("", all, 2)).toEqual([ann, anna]);
});
