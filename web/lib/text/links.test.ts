import { describe, expect, test } from "vitest";
import { segments } from "./links";

const links = (content: string) => segments(content).flatMap((part) => (part.kind === "link" ? [part.text] : []));

describe("segments", () => {
  test.each([
    ["see https://example.org/a?b=c#d.", ["https://example.org/a?b=c#d"]],
    ["(https://en.example.org/wiki/Oort_(cloud))", ["https://en.example.org/wiki/Oort_(cloud)"]],
    ["看https://example.org/x很好，www.example.org。", ["https://example.org/x", "www.example.org"]],
    ["http://localhost:3000/x!", ["http://localhost:3000/x"]],
    ["two: http://a.example, http://b.example", ["http://a.example", "http://b.example"]],
    ["“https://example.org/q”", ["https://example.org/q"]],
    ["https://", []],
    ["www.", []],
    ["javascript:alert(1)", []],
    ["data:text/html,x", []],
    ["mail me@www.example.org", []],
    ["https://bank.example@evil.example/", []],
    ["<script>https://example.org</script>", ["https://example.org"]],
  ])("%s", (content, expected) => {
    expect(links(content)).toEqual(expected);
  });

  test("the pieces joined are the message", () => {
    for (const content of [
      "",
      "a",
      " https://a.example ",
      "x\nhttps://a.example/)\n",
      "https://a.example".repeat(3),
      "😀 www.a.example 😀",
    ]) {
      expect(
        segments(content)
          .map((part) => part.text)
          .join(""),
      ).toBe(content);
    }
  });

  test("an address without a scheme is opened with https", () => {
    expect(segments("www.example.org")).toEqual([
      { kind: "link", text: "www.example.org", href: "https://www.example.org/" },
    ]);
  });
});
