import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Node, run, type Settings } from "./node";

export type Shape = "standalone" | "cluster";

/** Cheapest Argon2 that still is Argon2: the tests make many accounts. */
const QUICK_ARGON: Settings = {
  OORT_LOGIC__ACCOUNTS__ARGON2_MEMORY_KIB: "64",
  OORT_LOGIC__ACCOUNTS__ARGON2_PASSES: "1",
  // Many people at one address, who type fast.
  OORT_LOGIC__RATES__LOGINS_PER_SECOND: "0",
  OORT_LOGIC__RATES__SENDS_PER_SECOND: "0",
};

/** A whole Oort: one process, or two comets, two logics and two jobs over the services that the environment names. */
export class System {
  private constructor(
    readonly shape: Shape,
    /** Where browsers connect; the one process when standalone. */
    readonly comets: readonly Node[],
    private readonly others: readonly Node[],
    private readonly settings: Settings,
    private readonly folder: string,
  ) {}

  static async start(shape: Shape, extra: Settings = {}): Promise<System> {
    const folder = mkdtempSync(join(process.env.OORT_TEST_SCRATCH ?? tmpdir(), "oort-e2e-"));
    return shape === "standalone" ? System.standalone(folder, extra) : System.cluster(folder, extra);
  }

  private static async standalone(folder: string, extra: Settings): Promise<System> {
    const settings = { ...QUICK_ARGON, OORT_NODE__DATA_DIR: join(folder, "data"), ...extra };
    const node = await Node.start("standalone", "", folder, settings);
    return new System("standalone", [node], [], settings, folder);
  }

  private static async cluster(folder: string, extra: Settings): Promise<System> {
    const name = `oort_${randomBytes(6).toString("hex")}`;
    const settings: Settings = {
      ...QUICK_ARGON,
      OORT_LOGIC__STORE__URL: `${need("OORT_TEST_MYSQL_URL")}/${name}`,
      OORT_DIRECTORY__URLS: need("OORT_TEST_REDIS_URL"),
      OORT_DIRECTORY__KEY_PREFIX: `${name}:`,
      OORT_BUS__BROKERS: need("OORT_TEST_KAFKA_BROKERS"),
      OORT_BUS__TOPIC: name,
      OORT_BUS__DEAD_LETTER_TOPIC: `${name}-dead`,
      OORT_BUS__GROUP: name,
      OORT_LOGIC__FILES__URL: `file:${join(folder, "files")}`,
      ...extra,
    };
    await run(["migrate"], settings);
    const logics = await both((n) => Node.start(`logic-${n}`, "logic", folder, { ...settings }));
    const list = (port: string) => logics.map((logic) => `http://${logic.address(port)}`).join(",");
    const comets = await both((n) =>
      Node.start(`comet-${n}`, "comet", folder, {
        ...settings,
        OORT_NODE__NAME: `comet-${n}`,
        OORT_CLUSTER__LOGIC_GRPC: list("grpc"),
        OORT_CLUSTER__LOGIC_HTTP: list("http"),
      }),
    );
    const jobs = await both((n) => Node.start(`job-${n}`, "job", folder, { ...settings }));
    for (const job of jobs) await until(async () => (await job.counted("oort_job_partitions ")) >= 1);
    for (const comet of comets) await until(async () => (await fetch(`http://${comet.address("admin")}/readyz`)).ok);
    return new System("cluster", comets, [...logics, ...jobs], settings, folder);
  }

  /** The comet that person number `n` connects to: in a cluster neighbours sit on different ones. */
  comet(n: number): Node {
    const comet = this.comets[n % this.comets.length];
    if (!comet) throw new Error("a system has comets");
    return comet;
  }

  /** Front doors of all comets. */
  doors(): string[] {
    return this.comets.map((comet) => `http://${comet.address("http")}`);
  }

  /** An API that lives on when a comet is killed, where there is one. */
  api(): string {
    const logic = this.others.find((node) => node.name.startsWith("logic"));
    return `http://${(logic ?? this.comet(0)).address("http")}`;
  }

  /** A counter of all comets together. */
  async counted(metric: string, label = ""): Promise<number> {
    const counts = await Promise.all(this.comets.map((comet) => comet.counted(metric, label)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** All that every process said. */
  said(): string {
    return [...this.comets, ...this.others].map((node) => node.said()).join("\n");
  }

  /** A command such as `oort admin create` against the same store. */
  async command(args: string[], input = ""): Promise<string> {
    return run(args, this.settings, input);
  }

  async stop(): Promise<void> {
    // Comets first, so that clients are told while logic still answers.
    for (const node of [...this.comets, ...this.others]) await node.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function both(start: (n: number) => Promise<Node>): Promise<Node[]> {
  return [await start(1), await start(2)];
}

function need(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start the services first (make test does it)`);
  return value;
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 180_000;
  while (!(await isTrue())) {
    if (Date.now() > giveUpAt) throw new Error(`never came true: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
