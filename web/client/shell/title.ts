"use client";

import { useEffect } from "react";
import type { ConversationEntry } from "@/lib/oort";

/** Tells in the window's title, and on the icon of the installed client, that something is unread. */
export function useTitle(entries: readonly ConversationEntry[]): void {
  const unread = entries.reduce((sum, entry) => sum + entry.unread, 0);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread > 999 ? "999+" : unread}) Oort` : "Oort";
    // Only an installed client has an icon of its own.
    if (!matchMedia("(display-mode: standalone)").matches) return;
    const badge = unread > 0 ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.();
    badge?.catch(() => {});
  }, [unread]);
}
