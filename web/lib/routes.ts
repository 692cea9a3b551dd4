"use client";

import { useSyncExternalStore } from "react";
import { invitationOf } from "./invitation";

/** Where in the client one is. */
export type Route =
  | { screen: "home" }
  | { screen: "login" }
  | { screen: "signup" }
  | { screen: "reset" }
  | { screen: "join"; token: string | null }
  | {
      screen: "chat";
      conversation: string | null;
      info: boolean;
      /** The message to be shown; once it is, it stands in no address any more. */
      at?: number;
    }
  | { screen: "settings" };

export function parseRoute(path: string, search: string, hash = ""): Route {
  const query = new URLSearchParams(search);
  switch (path.replace(/\/+$/, "")) {
    case "":
      return { screen: "home" };
    case "/login":
      return { screen: "login" };
    case "/signup":
      return { screen: "signup" };
    case "/reset":
      return { screen: "reset" };
    case "/join":
      return { screen: "join", token: invitationOf(hash) };
    case "/settings":
      return { screen: "settings" };
    default: {
      const conversation = query.get("c");
      const at = query.get("at") ?? "";
      return {
        screen: "chat",
        conversation: conversation && /^\d{1,20}$/.test(conversation) ? conversation : null,
        info: query.has("info"),
        ...(/^[1-9]\d{0,14}$/.test(at) && { at: Number(at) }),
      };
    }
  }
}

export function addressOf(route: Route): string {
  switch (route.screen) {
    case "home":
      return "/";
    case "chat":
      if (!route.conversation) return "/chat/";
      return `/chat/?c=${route.conversation}${route.at ? `&at=${route.at}` : ""}${route.info ? "&info" : ""}`;
    case "join":
      return `/join/${route.token ? `#${route.token}` : ""}`;
    default:
      return `/${route.screen}/`;
  }
}

const listeners = new Set<() => void>();
let parsedOf: string | undefined;
let parsed: Route = { screen: "home" };

/** One page is enough: going from one screen to another asks the server for nothing. */
export function navigate(route: Route, how: "push" | "replace" = "push"): void {
  const address = addressOf(route);
  if (address === location.pathname + location.search + location.hash) return;
  if (how === "push") history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) addEventListener("popstate", tell);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) removeEventListener("popstate", tell);
  };
}

function tell(): void {
  for (const listener of listeners) listener();
}

export function currentRoute(): Route {
  const address = `${location.pathname}\n${location.search}\n${location.hash}`;
  if (address !== parsedOf) {
    parsedOf = address;
    parsed = parseRoute(location.pathname, location.search, location.hash);
  }
  return parsed;
}

/** null while the page is made on the build machine, where there is no address. */
export function useRoute(): Route | null {
  return useSyncExternalStore(subscribe, currentRoute, () => null);
}
