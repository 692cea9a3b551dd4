"use client";

import { useCallback, useEffect, useState } from "react";
import type { Refused } from "./api";

/** Longest pause between two questions while the server does not answer. */
const PAUSE_MS_MAX = 30_000;

export interface Polled<T> {
  value: T | null;
  error: Refused | null;
  /** When `value` came; 0 = not yet. */
  atMs: number;
  reload(): void;
}

/** Asks again and again, never twice at once, not while the page is hidden, and more seldom while it fails. */
export function usePolled<T>(load: (signal: AbortSignal) => Promise<T>, everyMs: number): Polled<T> {
  const [state, setState] = useState<Omit<Polled<T>, "reload">>({ value: null, error: null, atMs: 0 });
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((before) => before + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round asks anew
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pauseMs = everyMs;
    const ask = async () => {
      timer = undefined;
      try {
        const value = await load(stop.signal);
        pauseMs = everyMs;
        if (!stop.signal.aborted) setState({ value, error: null, atMs: Date.now() });
      } catch (error) {
        pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
        if (!stop.signal.aborted) setState((before) => ({ ...before, error: error as Refused }));
      }
      if (!stop.signal.aborted && !document.hidden) timer = setTimeout(ask, pauseMs);
      else isAsking = false;
    };
    let isAsking = true;
    void ask();
    const wake = () => {
      if (document.hidden || isAsking) return;
      isAsking = true;
      void ask();
    };
    document.addEventListener("visibilitychange", wake);
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", wake);
    };
  }, [load, everyMs, round]);

  return { ...state, reload };
}
