import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "./people/test";

const WEB = fileURLToPath(new URL("..", import.meta.url));

test("the SDK's conformance suite", async ({ system }) => {
  test.setTimeout(900_000);
  // Alone it starts servers of its own, so that it can restart them.
  const where = system.shape === "cluster" ? { OORT_URLS: system.doors().join(",") } : {};
  const suite = spawn("npm", ["--workspace", "sdk", "run", "conformance"], {
    cwd: WEB,
    env: { ...process.env, ...where },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [suite.stdout, suite.stderr]) {
    stream.on("data", (bytes) => {
      said += bytes;
    });
  }
  const code = await new Promise((resolve) => suite.once("close", resolve));
  expect(code, said).toBe(0);
});
