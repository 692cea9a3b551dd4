"use client";

import { useSyncExternalStore } from "react";

/** A value kept in this browser, shared by all windows of it. */
export interface Saved<T> {
  get(): T;
  set(value: T): void;
  subscribe(changed: () => void): () => void;
}

/** `parse` gets whatever stands under `key`, or null, and always gives something good. */
export function saved<T>(key: string, parse: (stored: unknown) => T): Saved<T> {
  const listeners = new Set<() => void>();
  let raw: string | null | undefined;
  let value: T;

  const get = (): T => {
    const now = read(key);
    if (raw !== now || raw === undefined) {
      raw = now;
      value = parse(parseJson(now));
    }
    return value;
  };
  const tell = () => {
    for (const listener of listeners) listener();
  };
  const fromOtherWindow = (event: StorageEvent) => {
    if (event.key === key || event.key === null) tell();
  };
  return {
    get,
    set(next) {
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {
        // Storage is full or forbidden: the value holds until the page is left.
        raw = read(key);
        value = next;
      }
      tell();
    },
    subscribe(listener) {
      if (listeners.size === 0) addEventListener("storage", fromOtherWindow);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) removeEventListener("storage", fromOtherWindow);
      };
    },
  };
}

export function useSaved<T>(value: Saved<T>): T {
  return useSyncExternalStore(value.subscribe, value.get, value.get);
}

function read(key: string): string | null {
  try {
    return typeof localStorage === "undefined" ? null : localStorage.getItem(key);
  } catch {
    return null;
  }
}

function parseJson(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
