"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import type { Refused } from "./api";

/** Most entries that are kept on screen; further pages are not asked for. */
const ENTRIES_MAX = 1000;

interface Paged<T> {
  entries: readonly T[] | null;
  error: Refused | null;
  hasMore: boolean;
  isLoading: boolean;
  more(): void;
  reload(): void;
}

/** A list that comes page by page. */
export function usePaged<T>(
  load: (signal: AbortSignal, after?: string) => Promise<{ entries: readonly T[]; next?: string }>,
): Paged<T> {
  const [state, setState] = useState<{ entries: readonly T[] | null; next?: string; error: Refused | null }>({
    entries: null,
    error: null,
  });
  const [isLoading, setLoading] = useState(false);
  const running = useRef<AbortController | null>(null);

  const ask = useCallback(
    (after?: string) => {
      running.current?.abort();
      const stop = new AbortController();
      running.current = stop;
      setLoading(true);
      load(stop.signal, after)
        .then(({ entries, next }) => {
          if (stop.signal.aborted) return;
          setLoading(false);
          setState((before) => {
            const all = after ? [...(before.entries ?? []), ...entries] : entries;
            return { entries: all, next: all.length < ENTRIES_MAX ? next : undefined, error: null };
          });
        })
        .catch((error: Refused) => {
          if (stop.signal.aborted) return;
          setLoading(false);
          setState((before) => ({ ...before, error }));
        });
    },
    [load],
  );

  useEffect(() => {
    ask();
    return () => running.current?.abort();
  }, [ask]);

  const { entries, next, error } = state;
  return { entries, error, hasMore: next !== undefined, isLoading, more: () => ask(next), reload: () => ask() };
}
