import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "@playwright/test";
import { launchOptions } from "./browser";
import type { Shape } from "./servers/system";

/** Longest wait for a condition. Generous: it never decides a passing test. */
const PATIENCE_MS = 60_000;

/** What depends on several processes: talk, log-ins that end, faults, and the SDK's conformance. */
const ACROSS_PROCESSES = ["talk", "devices", "faults", "sdk"];
/** What is about the page alone is looked at once. */
const OF_THE_PAGE = ["reach", "reading", "push"];
const specs = (names: string[]) => names.map((name) => `${name}.spec.ts`);

export default defineConfig<object, { shape: Shape }>({
  testMatch: "*.spec.ts",
  // Pictures of what failed.
  outputDir: join(process.env.OORT_TEST_SCRATCH ?? tmpdir(), "oort-e2e-failed"),
  reporter: "list",
  forbidOnly: true,
  retries: 0,
  workers: 2,
  timeout: 300_000,
  expect: { timeout: PATIENCE_MS },
  use: {
    launchOptions,
    viewport: { width: 1280, height: 800 },
    actionTimeout: PATIENCE_MS,
    navigationTimeout: PATIENCE_MS,
    screenshot: "only-on-failure",
  },
  projects: [
    { name: "standalone", use: { shape: "standalone" } },
    {
      name: "cluster",
      use: { shape: "cluster" },
      // Every operation is tried over both shapes by the tests of the server; OORT_E2E_ALL=1 does so in browsers too.
      ...(process.env.OORT_E2E_ALL === "1"
        ? { testIgnore: specs(OF_THE_PAGE) }
        : { testMatch: specs(ACROSS_PROCESSES) }),
    },
  ],
});
