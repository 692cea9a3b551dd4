import { defineConfig } from "@playwright/test";
import base from "./playwright.config";

const WIDTHS = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

/** Pictures of every screen into docs/screens: both widths, both themes, each on a server of its own. */
export default defineConfig({
  ...base,
  testMatch: "screens.ts",
  workers: 1,
  projects: Object.entries(WIDTHS).flatMap(([width, viewport]) =>
    (["light", "dark"] as const).map((colorScheme) => ({
      name: `${width}-${colorScheme}`,
      use: { viewport, colorScheme },
    })),
  ),
});
