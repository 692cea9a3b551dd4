"use client";

import { useSyncExternalStore } from "react";

/** The time, which moves on once in `everyMs`: for texts such as "5 minutes ago". */
export function useNow(everyMs = 30_000): number {
  return useSyncExternalStore(
    (changed) => {
      const timer = setInterval(changed, Math.min(everyMs, 1000));
      return () => clearInterval(timer);
    },
    () => Math.floor(Date.now() / everyMs) * everyMs,
    () => 0,
  );
}
