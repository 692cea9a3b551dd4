"use client";

import { useEffect, useRef } from "react";
import { currentRoute, navigate } from "@/lib/routes";
import type { DialogName } from "./shell";

/** Where to go back to from the settings. */
let lastConversation: string | null = null;

/** Keys that work everywhere; the list for readers is in `dialogs/keys.tsx`. */
export function useShortcuts({
  openId,
  onDialog,
}: {
  openId: string | null;
  onDialog: (name: DialogName) => void;
}): void {
  const now = useRef({ openId, onDialog });
  now.current = { openId, onDialog };
  if (openId) lastConversation = openId;

  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
      const command = event.ctrlKey || event.metaKey;
      if (command && event.shiftKey && !event.altKey && event.key.toLowerCase() === "f") {
        const search = document.querySelector<HTMLElement>("[data-search-here]");
        if (search) event.preventDefault();
        search?.click();
      } else if (command && !event.altKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        focusSearch();
      } else if (command && event.key === "/") {
        event.preventDefault();
        now.current.onDialog("keys");
      } else if (event.altKey && !command && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
        event.preventDefault();
        openNeighbour(now.current.openId, event.key === "ArrowUp" ? -1 : 1);
      } else if (event.key === "Escape") {
        stepBack();
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

function focusSearch(): void {
  const search = () => document.querySelector<HTMLInputElement>("[data-search]");
  // On a phone the list may be out of sight.
  if (search()?.offsetParent === null) navigate({ screen: "chat", conversation: null, info: false });
  requestAnimationFrame(() => {
    search()?.focus();
    search()?.select();
  });
}

function openNeighbour(openId: string | null, step: number): void {
  const ids = Array.from(
    document.querySelectorAll<HTMLElement>("[data-conversation]"),
    (item) => item.dataset.conversation ?? "",
  );
  const at = openId ? ids.indexOf(openId) : -1;
  const next = ids[at < 0 ? (step > 0 ? 0 : ids.length - 1) : at + step];
  if (next) navigate({ screen: "chat", conversation: next, info: false });
}

/** One step back: from the info to the messages; from the settings to the chat. */
function stepBack(): void {
  const route = currentRoute();
  if (route.screen === "chat" && route.info) navigate({ ...route, info: false }, "replace");
  else if (route.screen === "settings") navigate({ screen: "chat", conversation: lastConversation, info: false });
  else document.querySelector<HTMLElement>("[data-composer]")?.focus();
}
