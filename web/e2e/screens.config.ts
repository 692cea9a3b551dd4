import { defineConfig } from "@playwright/test";
import base from "./playwright.config";

/** Pictures of every screen into docs/screens. */
export default defineConfig({ ...base, testMatch: "screens.ts", projects: [{ name: "screens" }], workers: 1 });
