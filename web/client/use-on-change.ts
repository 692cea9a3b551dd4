"use client";

import { useEffect, useRef } from "react";

/** Calls `fn` after each drawing with another `value` than the one before. */
export function useOnChange<T>(value: T, fn: () => void): void {
  const last = useRef(value);
  useEffect(() => {
    if (last.current === value) return;
    last.current = value;
    fn();
  });
}
