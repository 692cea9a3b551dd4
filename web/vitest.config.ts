import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@": fileURLToPath(new URL(".", import.meta.url)) } },
  test: {
    include: ["app/**/*.test.ts", "lib/**/*.test.ts", "client/**/*.test.ts", "messages/**/*.test.ts"],
    testTimeout: 60_000,
  },
});
