import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort } from "./ports.js";

/** A server for the suite: the binary that OORT_BIN names, or the cluster that OORT_URLS lists. */
export interface Oort {
  /** Where clients connect: one address per comet. */
  readonly urls: readonly string[];
  /** Ends the process as an operator does and starts it anew at the same address; null: not ours to restart. */
  readonly restart: (() => Promise<void>) | null;
  /** A token for server-to-server pushes; null: not ours to make. */
  readonly serverToken: (() => string) | null;
  stop(): Promise<void>;
}

/** Waits until `probe` gives something. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  patienceMs = 180_000,
): Promise<NonNullable<T>> {
  const giveUpMs = Date.now() + patienceMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > giveUpMs) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function startOort(settings: Record<string, string> = {}): Promise<Oort> {
  const { OORT_URLS, OORT_BIN } = process.env;
  if (OORT_URLS && Object.keys(settings).length === 0) {
    return { urls: OORT_URLS.split(","), restart: null, serverToken: null, stop: async () => {} };
  }
  if (!OORT_BIN)
    throw new Error("set OORT_BIN to the oort binary, or OORT_URLS to the addresses of a cluster");
  return standalone(OORT_BIN, settings);
}

async function standalone(binary: string, settings: Record<string, string>): Promise<Oort> {
  const folder = mkdtempSync(path.join(tmpdir(), "oort-sdk-"));
  const port = await freePort();
  let child: ChildProcess;
  const env = {
    OORT_RUN__ADDRESSES_FILE: path.join(folder, "addresses"),
    // The process ends with this one, however this one ends.
    OORT_RUN__EXIT_ON_STDIN_CLOSE: "true",
    OORT_NODE__DATA_DIR: path.join(folder, "data"),
    OORT_ADMIN__LISTEN: "127.0.0.1:0",
    OORT_COMET__HTTP_LISTEN: `127.0.0.1:${port}`,
    OORT_COMET__TCP_LISTEN: "127.0.0.1:0",
    OORT_COMET__GRPC_LISTEN: "127.0.0.1:0",
    // Cheap passwords: the suite makes many accounts.
    OORT_LOGIC__ACCOUNTS__ARGON2_MEMORY_KIB: "64",
    OORT_LOGIC__ACCOUNTS__ARGON2_PASSES: "1",
    // Many people at one address, who type fast.
    OORT_LOGIC__RATES__LOGINS_PER_SECOND: "0",
    OORT_LOGIC__RATES__SENDS_PER_SECOND: "0",
    ...settings,
  };
  const start = async () => {
    rmSync(env.OORT_RUN__ADDRESSES_FILE, { force: true });
    const log = openSync(path.join(folder, "log"), "a");
    child = spawn(binary, { stdio: ["pipe", log, log], env });
    await eventually("the server serves", () => {
      if (child.exitCode !== null) throw new Error(readFileSync(path.join(folder, "log"), "utf8"));
      try {
        return readFileSync(env.OORT_RUN__ADDRESSES_FILE, "utf8") !== "";
      } catch {
        return false;
      }
    });
  };
  const end = async () => {
    child.kill("SIGTERM");
    await eventually("the server ends", () => child.exitCode !== null || child.signalCode !== null);
  };
  await start();
  return {
    urls: [`http://127.0.0.1:${port}`],
    restart: async () => {
      await end();
      await start();
    },
    serverToken: () => execFileSync(binary, ["token"], { env, encoding: "utf8" }).trim(),
    stop: async () => {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
