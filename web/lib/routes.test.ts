import { expect, test } from "vitest";
import { addressOf, parseRoute, type Route } from "./routes";

test.each<Route>([
  { screen: "home" },
  { screen: "login" },
  { screen: "signup" },
  { screen: "reset" },
  { screen: "settings" },
  { screen: "chat", conversation: null, info: false },
  { screen: "chat", conversation: "42", info: false },
  { screen: "chat", conversation: "42", info: true },
  { screen: "chat", conversation: "42", info: false, at: 17 },
])("%j is found again by its address", (route) => {
  const url = new URL(addressOf(route), "http://localhost");
  expect(parseRoute(url.pathname, url.search)).toEqual(route);
});

test("a link into a group has its token after #", () => {
  expect(parseRoute("/join/", "", "#abcdefgh1")).toEqual({ screen: "join", token: "abcdefgh1" });
  expect(parseRoute("/join", "?abcdefgh1", "")).toEqual({ screen: "join", token: null });
});

test("what is no conversation id is none", () => {
  expect(parseRoute("/chat/", "?c=javascript:1")).toMatchObject({ conversation: null });
  expect(parseRoute("/chat", "?c=")).toMatchObject({ conversation: null });
  expect(parseRoute("/chat", "?c=1&at=0")).not.toHaveProperty("at");
  expect(parseRoute("/chat", "?c=1&at=x")).not.toHaveProperty("at");
});
