"use client";

import { useSyncExternalStore } from "react";
import type { Store } from "./oort";

/** The value of a store, now and whenever it changes. */
export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}

/** The same for a store that may change hundreds of times a second: see {@link calm}. */
export function useCalmStore<T>(store: Store<T>): T {
  return useStore(calmed(store));
}

/** Drawings of one store are at least this far apart; typing has the time between. Nobody reads ten changes in a second. */
const drawEveryMs = 100;
const wrappers = new WeakMap<Store<unknown>, Store<unknown>>();

function calmed<T>(store: Store<T>): Store<T> {
  let wrapper = wrappers.get(store) as Store<T> | undefined;
  if (!wrapper) {
    wrapper = calm(store, drawEveryMs);
    wrappers.set(store, wrapper);
  }
  return wrapper;
}

/** A store that follows another: the first change at once, later ones together, at most one in `everyMs`. */
export function calm<T>(store: Store<T>, everyMs: number): Store<T> {
  const listeners = new Set<() => void>();
  let value = store.get();
  let stop: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let toldMs = Number.NEGATIVE_INFINITY;

  const tell = () => {
    timer = undefined;
    toldMs = performance.now();
    value = store.get();
    for (const listener of listeners) listener();
  };
  const changed = () => {
    if (timer !== undefined) return;
    const waitMs = toldMs + everyMs - performance.now();
    if (waitMs <= 0) tell();
    else timer = setTimeout(tell, waitMs);
  };
  return {
    // Nobody listens: nobody would tell that the value is old.
    get: () => (stop ? value : store.get()),
    subscribe(listener) {
      listeners.add(listener);
      if (!stop) {
        stop = store.subscribe(changed);
        value = store.get();
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearTimeout(timer);
        timer = undefined;
        stop?.();
        stop = undefined;
      };
    },
  };
}
