"use client";

import { useSyncExternalStore } from "react";

/** Whether somebody looks at this page: it is in sight and has the focus. What is not looked at is not read. */
export function useLookedAt(): boolean {
  return useSyncExternalStore(
    (changed) => {
      addEventListener("focus", changed);
      addEventListener("blur", changed);
      document.addEventListener("visibilitychange", changed);
      return () => {
        removeEventListener("focus", changed);
        removeEventListener("blur", changed);
        document.removeEventListener("visibilitychange", changed);
      };
    },
    () => document.visibilityState === "visible" && document.hasFocus(),
    () => false,
  );
}
