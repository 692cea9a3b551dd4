"use client";

import { useEffect } from "react";
import { preferences } from "@/lib/preferences";
import { useSaved } from "@/lib/saved";

/** Puts the chosen theme on the page. `public/boot.js` did so before the first paint. */
export function useTheme(): void {
  const { theme } = useSaved(preferences);
  useEffect(() => {
    const { dataset } = document.documentElement;
    if (theme === "system") delete dataset.theme;
    else dataset.theme = theme;
    const ground = getComputedStyle(document.body).backgroundColor;
    for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) meta.content = ground;
  }, [theme]);
}
