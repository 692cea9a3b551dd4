"use client";

import { useCallback, useEffect, useRef } from "react";
import type { LogItem } from "@/lib/oort";

/** A message counts as read when it was in sight for so long. */
const readAfterMs = 250;

/** Tells what was seen, a moment after the last movement; at once when somebody begins to look. */
export function useSeen(seen: () => void, looked: boolean) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // What is in sight then, not now: meanwhile the list may have gone to another place.
  const latestSeen = useRef(seen);
  latestSeen.current = seen;
  const later = useCallback(() => {
    if (!looked || timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      latestSeen.current();
    }, readAfterMs);
  }, [looked]);
  const latest = useRef(later);
  latest.current = later;
  useEffect(later, [later]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  useEffect(() => {
    if (looked) return;
    clearTimeout(timer.current);
    timer.current = undefined;
  }, [looked]);
  const call = useRef(() => latest.current());
  return call;
}

/** How many messages of others came since the reader left the end. */
export function useUnseen(items: readonly LogItem[], me: string, atEnd: boolean): number {
  const last = lastSeqOf(items);
  const leftAt = useRef(last);
  if (atEnd) leftAt.current = last;
  if (atEnd || last <= leftAt.current) return 0;
  let count = 0;
  for (let at = items.length - 1; at >= 0; at--) {
    const item = items[at];
    if (item?.kind !== "message") continue;
    if (item.seq <= leftAt.current) break;
    if (item.sender.id !== me) count += 1;
  }
  return count;
}

function lastSeqOf(items: readonly LogItem[]): number {
  for (let at = items.length - 1; at >= 0; at--) {
    const item = items[at];
    if (item?.kind === "message") return item.seq;
  }
  return 0;
}
