import { connect, createServer, type Server, type Socket } from "node:net";

/** Numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The seed of this run: OORT_SEED, or a new one; printed, so that a failure can be had again. */
export function seed(): number {
  const chosen = Number(process.env.OORT_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`OORT_SEED=${chosen}`);
  return chosen;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** Passes TCP on to a server, and cuts links at random: after a time, or after some bytes and so within a frame. */
export class CuttingProxy {
  cuts = 0;
  isCutting = true;
  /** Takes no new connections. */
  isClosed = false;
  readonly #pairs = new Set<Pair>();
  readonly #server: Server;

  private constructor(
    readonly target: URL,
    readonly random: () => number,
    readonly lifeMaxMs: number,
  ) {
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(target: string, random: () => number, lifeMaxMs = 1500): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(new URL(target), random, lifeMaxMs);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Takes nothing more from the server for now, as a slow client does. */
  pause(): void {
    for (const { server } of this.#pairs) server.pause();
  }

  resume(): void {
    for (const { server } of this.#pairs) server.resume();
  }

  /** Ends all links now. */
  cut(): void {
    for (const pair of [...this.#pairs]) this.#cut(pair);
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    if (this.isClosed) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(Number(this.target.port || 80), this.target.hostname);
    const pair = { client, server };
    this.#pairs.add(pair);
    let bytesLeft = this.random() < 0.5 ? Math.floor(this.random() * 20_000) : Number.POSITIVE_INFINITY;
    const timer = setTimeout(() => {
      if (this.isCutting) this.#cut(pair);
    }, this.random() * this.lifeMaxMs);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("data", (chunk) => {
        bytesLeft -= this.isCutting ? chunk.length : 0;
        if (bytesLeft >= 0) return void to.write(chunk);
        to.write(chunk.subarray(0, Math.max(0, chunk.length + bytesLeft)));
        this.#cut(pair);
      });
      from.on("error", () => this.#end(pair));
      from.on("close", () => {
        clearTimeout(timer);
        this.#end(pair);
      });
    }
  }

  #cut(pair: Pair): void {
    if (!this.#pairs.has(pair)) return;
    this.cuts++;
    this.#end(pair);
  }

  #end(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    // Half of the time politely, half of the time as when a machine is gone.
    for (const socket of [pair.client, pair.server]) {
      if (this.random() < 0.5) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}
