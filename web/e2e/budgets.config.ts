import { defineConfig } from "@playwright/test";
import base from "./playwright.config";

/** What the client costs its user; figures into benches/results. One after the other, so that they do not disturb each other. */
export default defineConfig({
  ...base,
  testMatch: "budgets.ts",
  projects: [{ name: "budgets" }],
  workers: 1,
  use: { ...base.use, trace: "off", screenshot: "off" },
});
