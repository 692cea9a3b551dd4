import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../sdk/tests/support/ports";

/** Settings as environment variables. */
export type Settings = Record<string, string>;

/** Longest time for a process to serve or to end. */
const PATIENCE_MS = 180_000;

/** Starts of a process whose port was taken between the look and the start. */
const STARTS_MAX = 5;

const COMET = ["OORT_COMET__HTTP_LISTEN", "OORT_COMET__TCP_LISTEN", "OORT_COMET__GRPC_LISTEN", "OORT_ADMIN__LISTEN"];

/** The settings that say where a process listens. */
const LISTEN: Record<string, string[]> = {
  "": COMET,
  comet: COMET,
  logic: ["OORT_LOGIC__HTTP_LISTEN", "OORT_LOGIC__GRPC_LISTEN", "OORT_ADMIN__LISTEN"],
  job: ["OORT_ADMIN__LISTEN"],
};

/** The binary under test. */
export function binary(): string {
  const path = process.env.OORT_BIN;
  if (!path) throw new Error("OORT_BIN is not set: it names the server's binary (make test sets it)");
  return path;
}

/** One process of the real binary. It ends with this one, however this one ends. */
export class Node {
  private child: ChildProcess | undefined;
  private addresses: Record<string, string> = {};
  private starts = 0;

  private constructor(
    readonly name: string,
    private readonly role: string,
    private readonly folder: string,
    private readonly settings: Settings,
  ) {}

  /** Starts `oort <role>` (`""`: standalone) on free ports and waits until it serves. */
  static async start(name: string, role: string, folder: string, settings: Settings): Promise<Node> {
    for (let starts = 1; ; starts++) {
      const own: Settings = {};
      for (const setting of LISTEN[role] ?? []) own[setting] = `127.0.0.1:${await freePort()}`;
      const node = new Node(name, role, folder, { ...own, ...settings });
      try {
        await node.launch();
        return node;
      } catch (error) {
        if (starts === STARTS_MAX || !/address already in use/i.test(`${error}`)) throw error;
      }
    }
  }

  /** The bound `host:port` of `http`, `tcp`, `grpc` or `admin`. */
  address(port: string): string {
    const address = this.addresses[port];
    if (!address) throw new Error(`${this.name} has no ${port} port`);
    return address;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** SIGKILL, and gone when this returns. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** SIGTERM; waits for the end. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
  }

  /** After `kill` or `stop`: again, on the same ports and data. */
  async startAgain(): Promise<void> {
    await this.launch();
  }

  /** A figure of `/metrics`, summed over the series whose labels hold `label`. */
  async counted(metric: string, label = ""): Promise<number> {
    const text = await (await fetch(`http://${this.address("admin")}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line.startsWith(metric) && line.includes(label));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  /** What it said last. */
  tail(): string {
    return readFileSync(this.log(), "utf8").split("\n").slice(-15).join("\n");
  }

  /** All that it said. */
  said(): string {
    return readFileSync(this.log(), "utf8");
  }

  private log(): string {
    return join(this.folder, `${this.name}.log`);
  }

  private async launch(): Promise<void> {
    this.starts += 1;
    const addresses = join(this.folder, `${this.name}-${this.starts}.addresses`);
    const log = openSync(this.log(), "a");
    const child = spawn(binary(), this.role ? [this.role] : [], {
      env: { ...this.settings, OORT_RUN__ADDRESSES_FILE: addresses, OORT_RUN__EXIT_ON_STDIN_CLOSE: "true" },
      stdio: ["pipe", log, log],
    });
    this.child = child;
    const giveUpAt = Date.now() + PATIENCE_MS;
    for (;;) {
      const text = readIfThere(addresses);
      if (text) {
        this.addresses = JSON.parse(text);
        return;
      }
      if (!this.isRunning) throw new Error(`${this.name} ended while starting:\n${this.tail()}`);
      if (Date.now() > giveUpAt) throw new Error(`${this.name} does not serve:\n${this.tail()}`);
      await tick();
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (!child || !this.isRunning) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    await ended;
  }
}

/** Runs a command of the binary to its end; what it printed. */
export async function run(args: string[], settings: Settings, input = ""): Promise<string> {
  const child = spawn(binary(), args, { env: settings, stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  let complained = "";
  child.stdout.on("data", (bytes) => {
    said += bytes;
  });
  child.stderr.on("data", (bytes) => {
    complained += bytes;
  });
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`oort ${args.join(" ")} ended with ${code}: ${said}${complained}`);
  return said;
}

/** The whole content, once it is whole: the file is one line of JSON. */
function readIfThere(file: string): string | undefined {
  try {
    const text = readFileSync(file, "utf8");
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

const tick = () => new Promise<void>((resolve) => setTimeout(resolve, 10));
