import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../src/core/engine.js";
import { userEvent } from "../../src/core/wire.js";
import { OortError } from "../../src/error.js";
import type { Http } from "../../src/io/http.js";
import { Leader, type SocketClass } from "../../src/io/leader.js";
import { NoStorage } from "../../src/io/none.js";
import { DEFAULT_LIMITS } from "../../src/limits.js";
import type { UserEvent } from "../../src/types.js";
import { MemoryStorage } from "../support/memory.js";
import { ANN, BOB, span } from "../support/messages.js";
import { FakeServer, type Link } from "../support/server.js";

/** An engine of ann's, its link, and what it told of events. */
class Bench {
  readonly told: UserEvent[] = [];
  losses = 0;
  /** Pages that are asked for and fail. */
  failures = 0;
  link: Link | null = null;
  readonly engine: Engine;

  constructor(
    readonly server: FakeServer,
    storage: MemoryStorage | NoStorage = new NoStorage(),
  ) {
    this.engine = new Engine("t", { ...DEFAULT_LIMITS, aheadMax: 5 }, storage);
    this.engine.isLeader = true;
    this.engine.attach({ send: (frame) => this.link?.send(frame) ?? false, restart: () => {} });
    this.engine.onEventsMissed = async (after) => {
      if (this.failures-- > 0) throw new OortError("unavailable", "not now", 700);
      const { events, ...page } = server.eventsAfter(ANN, after);
      return { ...page, items: events.map(userEvent) };
    };
    this.engine.events.on("event", (event) => this.told.push(event));
    this.engine.events.on("events-lost", () => this.losses++);
  }

  connect(): void {
    this.link ??= this.server.connect(ANN, this.engine.since);
  }

  cut(): void {
    this.link?.close();
    this.link = null;
    this.engine.detached();
  }

  async deliver(count = 1000): Promise<void> {
    for (let left = count; left > 0 && this.link; left--) {
      const frame = this.link.queue.shift();
      if (!frame) break;
      this.engine.receive(frame);
      await vi.advanceTimersByTimeAsync(0);
    }
  }

  async settle(): Promise<void> {
    this.connect();
    for (let round = 0; round < 8; round++) {
      await this.deliver();
      await vi.advanceTimersByTimeAsync(1000);
    }
  }

  get seqs(): number[] {
    return this.told.map(({ seq }) => seq);
  }
}

let server: FakeServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  server.addRoom("7");
});

afterEach(() => {
  vi.useRealTimers();
});

describe("events of the user", () => {
  it("tells what comes, with its data", async () => {
    const bench = new Bench(server);
    await bench.settle();
    const { at: atMs } = server.happen(ANN, "contact_requested", { user: BOB });
    server.happen(BOB, "contact_added");
    await bench.settle();
    expect(bench.told).toEqual([{ seq: 1, atMs, kind: "contact_requested", data: { user: BOB } }]);
    expect(server.eventPages).toBe(0);
  });

  it("tells nothing of what was before the first connection", async () => {
    for (const _ of span(1, 9)) server.happen(ANN, "profile_changed");
    const bench = new Bench(server);
    await bench.settle();
    expect(bench.told).toEqual([]);
    server.happen(ANN, "profile_changed");
    await bench.settle();
    expect(bench.seqs).toEqual([10]);
  });

  it("fetches what it missed, page by page, and what comes meanwhile comes after it", async () => {
    const bench = new Bench(server);
    await bench.settle();
    bench.cut();
    for (const _ of span(1, 10)) server.happen(ANN, "profile_changed");
    bench.connect();
    server.happen(ANN, "profile_changed");
    await bench.settle();
    expect(bench.seqs).toEqual(span(1, 11));
  });

  it("fetches a hole between frames", async () => {
    const bench = new Bench(server);
    await bench.settle();
    for (const _ of span(1, 3)) server.happen(ANN, "profile_changed");
    bench.link?.queue.splice(1, 1);
    await bench.settle();
    expect(bench.seqs).toEqual([1, 2, 3]);
    expect(server.eventPages).toBe(1);
  });

  it("asks whether there are more after a `behind`", async () => {
    const bench = new Bench(server);
    await bench.settle();
    server.happen(ANN, "profile_changed");
    bench.link!.queue.splice(0, 1, { type: "behind", payload: { rooms: [{ roomId: "7", head: 0 }] } });
    await bench.settle();
    expect(bench.seqs).toEqual([1]);
  });

  it("says so when some are no longer kept, before it tells those that are", async () => {
    const bench = new Bench(server);
    await bench.settle();
    bench.cut();
    for (const _ of span(1, 10)) server.happen(ANN, "profile_changed");
    server.eventsForgotten = 6;
    const order: string[] = [];
    bench.engine.events.on("events-lost", () => order.push("lost"));
    bench.engine.events.on("event", ({ seq }) => order.push(String(seq)));
    await bench.settle();
    expect(order).toEqual(["lost", "7", "8", "9", "10"]);
    expect(bench.losses).toBe(1);
  });

  it("tries again what failed", async () => {
    const bench = new Bench(server);
    await bench.settle();
    bench.cut();
    server.happen(ANN, "profile_changed");
    bench.failures = 3;
    await bench.settle();
    expect(bench.seqs).toEqual([1]);
  });

  it("begins anew with a server that was set back", async () => {
    const bench = new Bench(server);
    bench.engine.feed.reset(4);
    await bench.settle();
    expect(bench.losses).toBe(1);
    server.happen(ANN, "profile_changed");
    await bench.settle();
    expect(bench.seqs).toEqual([1]);
  });

  it("takes a hello for late, not for a server that was set back, when it is older than the last event", async () => {
    const bench = new Bench(server);
    const { engine } = bench;
    const sockets: WebSocket[] = [];
    class Socket {
      readyState = 1;
      constructor() {
        sockets.push(this as unknown as WebSocket);
      }
      send(): void {}
      close(): void {}
    }
    const hear = (socket: WebSocket | undefined, frame: unknown) =>
      socket?.onmessage?.({ data: JSON.stringify(frame) } as MessageEvent);
    const leader = new Leader({
      engine,
      http: { token: async () => null } as unknown as Http,
      url: "",
      socketClass: async () => Socket as unknown as SocketClass,
      trace: undefined,
      device: undefined,
      audience: { frame: () => {}, state: () => {}, lost: () => {} },
      shown: { state: "offline" },
      ended: () => {},
    });
    leader.session.start();
    await vi.advanceTimersByTimeAsync(0);
    hear(sockets[0], server.connect(ANN, null).queue.shift());
    hear(sockets[0], { type: "reconnect", payload: { afterMs: 100, reason: "draining" } });
    await vi.advanceTimersByTimeAsync(100);
    // The new connection's hello is written; then something happens, which the old one brings first.
    const { queue } = server.connect(ANN, engine.since);
    const event = { type: "event", payload: server.happen(ANN, "profile_changed") };
    hear(sockets[0], event);
    for (const frame of queue) hear(sockets[1], frame);
    expect(sockets).toHaveLength(2);
    expect([bench.losses, bench.seqs, engine.feed.seq]).toEqual([0, [1], 1]);
    leader.session.stop();
  });

  it("goes on where it was after the page was closed", async () => {
    const storage = new MemoryStorage();
    const bench = new Bench(server, storage);
    await bench.settle();
    for (const _ of span(1, 3)) server.happen(ANN, "profile_changed");
    await bench.settle();
    bench.cut();
    await bench.engine.stop();
    for (const _ of span(4, 8)) server.happen(ANN, "profile_changed");
    const next = new Bench(server, storage);
    await next.engine.restore(() => true);
    await next.settle();
    expect([...bench.seqs, ...next.seqs]).toEqual(span(1, 8));
  });

  it("needs no events of servers that have none", async () => {
    server.isOld = true;
    const bench = new Bench(server);
    await bench.settle();
    bench.cut();
    await bench.settle();
    expect(bench.engine.feed.seq).toBeNull();
    expect(server.eventPages).toBe(0);
  });

  it("tells each once and in order, whatever is cut, left out or forgotten", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("happen" as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant("deliver" as const), count: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ kind: fc.constant("lose" as const), at: fc.nat(5) }),
      fc.record({ kind: fc.constant("cut" as const) }),
      fc.record({ kind: fc.constant("connect" as const) }),
      fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 3000 }) }),
      fc.record({ kind: fc.constant("fail" as const) }),
      fc.record({ kind: fc.constant("forget" as const), count: fc.integer({ min: 1, max: 4 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const server = new FakeServer();
        const bench = new Bench(server);
        let count = 0;
        bench.connect();
        await bench.deliver(1);
        for (const step of steps) {
          if (step.kind === "happen") {
            for (const _ of span(1, step.count)) count = server.happen(ANN, "x").seq;
          } else if (step.kind === "deliver") await bench.deliver(step.count);
          // Hello is never lost alone; whoever loses other frames is told by `behind`.
          else if (step.kind === "lose") {
            if (bench.link?.queue[step.at]?.type === "event") {
              bench.link.queue.splice(step.at, 1, {
                type: "behind",
                payload: { rooms: [{ roomId: "7", head: 0 }] },
              });
            }
          } else if (step.kind === "cut") bench.cut();
          else if (step.kind === "connect") bench.connect();
          else if (step.kind === "pass") await vi.advanceTimersByTimeAsync(step.ms);
          else if (step.kind === "fail") bench.failures = 1;
          else server.eventsForgotten = Math.min(count, server.eventsForgotten + step.count);
        }
        bench.cut();
        await bench.settle();
        await bench.settle();
        expect(bench.seqs).toEqual([...new Set(bench.seqs)].sort((a, b) => a - b));
        expect(bench.engine.feed.seq).toBe(count);
        const missing = span(1, count).filter((seq) => !bench.seqs.includes(seq));
        expect(missing.every((seq) => seq <= server.eventsForgotten)).toBe(true);
        if (missing.length > 0) expect(bench.losses).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
    );
  });
});
