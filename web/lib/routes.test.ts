import { expect, test } from "vitest";
import { addressOf, parseRoute, type Route } from "./routes";

test.each<Route>([
  { screen: "home" },
  { screen: "login" },
  { screen: "signup" },
  { screen: "settings" },
  { screen: "chat", conversation: null, info: false },
  { screen: "chat", conversation: "42", info: false },
  { screen: "chat", conversation: "42", info: true },
])("%j is found again by its address", (route) => {
  const url = new URL(addressOf(route), "http://localhost");
  expect(parseRoute(url.pathname, url.search)).toEqual(route);
});

test("what is no conversation id is none", () => {
  expect(parseRoute("/chat/", "?c=javascript:1")).toMatchObject({ conversation: null });
  expect(parseRoute("/chat", "?c=")).toMatchObject({ conversation: null });
});
