import { beforeEach, describe, expect, it, vi } from "vitest";
import { backoffMs } from "../../src/core/backoff.js";
import { Session, type SessionIo, type State } from "../../src/core/session.js";
import type { ServerFrame } from "../../src/generated/oort_v1.js";
import { TIMES } from "../../src/limits.js";
import { ANN } from "../support/messages.js";

const HELLO = { type: "hello", payload: { me: ANN, session: {}, rooms: [] } } as unknown as ServerFrame;
const PONG: ServerFrame = { type: "pong", payload: {} };

/** A session whose sockets and clock are the test's. */
class Bench implements SessionIo {
  now = 1_000_000;
  readonly opened: number[] = [];
  readonly closed: number[] = [];
  readonly pinged: number[] = [];
  readonly delivered: string[] = [];
  readonly states: State[] = [];
  losses = 0;
  isRenewed: boolean | Error = false;
  wasEnded = false;
  #timers: { atMs: number; fn: () => void }[] = [];
  readonly session = new Session(this);

  nowMs = () => this.now;
  random = () => 0.5;
  later(ms: number, fn: () => void) {
    const timer = { atMs: this.now + ms, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  open = (socket: number) => void this.opened.push(socket);
  close = (socket: number) => void this.closed.push(socket);
  ping = (socket: number) => void this.pinged.push(socket);
  deliver = (frame: ServerFrame) => void this.delivered.push(frame.type);
  lost = () => void this.losses++;
  report = (state: State) => void this.states.push(state);
  async renew() {
    if (this.isRenewed instanceof Error) throw this.isRenewed;
    return this.isRenewed;
  }
  ended = () => {
    this.wasEnded = true;
  };

  /** Lets time pass, timers and ticks included. */
  pass(ms: number): void {
    const end = this.now + ms;
    let tickMs = this.now + TIMES.tickMs;
    for (;;) {
      const next = this.#timers.sort((a, b) => a.atMs - b.atMs)[0];
      const atMs = Math.min(next?.atMs ?? Number.POSITIVE_INFINITY, tickMs);
      if (atMs > end) break;
      this.now = atMs;
      if (next && next.atMs === atMs) {
        this.#timers.shift();
        next.fn();
      } else {
        this.session.tick();
        tickMs += TIMES.tickMs;
      }
    }
    this.now = end;
  }

  /** The newest socket connects and is greeted. */
  greet(): number {
    const socket = this.opened.at(-1)!;
    this.session.opened(socket);
    this.session.received(socket, HELLO);
    return socket;
  }

  get shown(): string {
    return this.states.at(-1)?.state ?? "";
  }
}

let bench: Bench;

beforeEach(() => {
  bench = new Bench();
});

describe("a session", () => {
  it("connects, syncs and is online", () => {
    bench.session.start();
    bench.greet();
    expect(bench.states.map(({ state }) => state)).toEqual(["connecting", "syncing", "online"]);
    expect(bench.delivered).toEqual(["hello"]);
  });

  it("waits longer each time, and says until when", () => {
    bench.session.start();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      bench.session.closed(bench.opened.at(-1)!, 1006, "");
      const { state, retryAtMs } = bench.states.at(-1)!;
      expect(state).toBe("waiting");
      waits.push(retryAtMs! - bench.now);
      bench.pass(waits.at(-1)!);
      expect(bench.opened.length).toBe(attempt + 2);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 15000, 15000]);
  });

  it("gives up an attempt that leads nowhere", () => {
    bench.session.start();
    bench.pass(TIMES.connectMs);
    expect(bench.closed).toEqual([1]);
    expect(bench.shown).toBe("waiting");
  });

  it("does not show a loss that is mended at once", () => {
    bench.session.start();
    bench.session.closed(bench.greet(), 1006, "");
    expect(bench.losses).toBe(1);
    bench.pass(300);
    bench.greet();
    bench.pass(10_000);
    expect(bench.states.map(({ state }) => state)).toEqual(["connecting", "syncing", "online", "online"]);
  });

  it("shows a loss that lasts", () => {
    bench.session.start();
    bench.session.closed(bench.greet(), 1006, "");
    bench.pass(TIMES.graceMs);
    expect(bench.shown).toBe("connecting");
  });

  it("drains without a gap: the new connection is there before the old one is given up", () => {
    bench.session.start();
    const old = bench.greet();
    bench.session.received(old, { type: "reconnect", payload: { afterMs: 2350, reason: "draining" } });
    bench.pass(2349);
    expect(bench.opened).toEqual([1]);
    bench.pass(1);
    expect(bench.opened).toEqual([1, 2]);
    // Frames of the old one still count.
    bench.session.received(old, PONG);
    expect(bench.delivered).toEqual(["hello", "pong"]);
    expect(bench.closed).toEqual([]);
    bench.greet();
    expect(bench.closed).toEqual([1]);
    expect(new Set(bench.states.slice(2).map(({ state }) => state))).toEqual(new Set(["online"]));
  });

  it("keeps to the told wait when the server closes at once, and shows nothing of it", () => {
    bench.session.start();
    const old = bench.greet();
    bench.session.received(old, { type: "reconnect", payload: { afterMs: 4000, reason: "draining" } });
    bench.session.closed(old, 1001, "");
    bench.pass(3999);
    expect(bench.opened).toEqual([1]);
    bench.pass(1);
    expect(bench.opened).toEqual([1, 2]);
    bench.greet();
    expect(bench.states.map(({ state }) => state)).toEqual(["connecting", "syncing", "online", "online"]);
  });

  it("comes again when a server says that has no room, neither sooner nor later", () => {
    bench.session.start();
    bench.session.opened(1);
    bench.session.received(1, { type: "reconnect", payload: { afterMs: 7300, reason: "busy" } });
    expect(bench.closed).toEqual([1]);
    // The end of that socket says nothing new.
    bench.session.closed(1, 1013, "too many clients are connecting; come again later");
    expect(bench.shown).toBe("waiting");
    bench.pass(7299);
    expect(bench.opened).toEqual([1]);
    bench.pass(1);
    expect(bench.opened).toEqual([1, 2]);
    bench.greet();
    expect(bench.shown).toBe("online");
  });

  it("keeps what it has when the server it was sent to has no room", () => {
    bench.session.start();
    const old = bench.greet();
    bench.session.received(old, { type: "reconnect", payload: { afterMs: 100, reason: "draining" } });
    bench.pass(100);
    bench.session.received(2, { type: "reconnect", payload: { afterMs: 1500, reason: "busy" } });
    expect(bench.closed).toEqual([2]);
    bench.session.received(old, PONG);
    expect(bench.delivered).toEqual(["hello", "pong"]);
    bench.pass(1499);
    expect(bench.opened).toEqual([1, 2]);
    bench.pass(1);
    bench.greet();
    expect([bench.opened, bench.closed]).toEqual([
      [1, 2, 3],
      [2, 1],
    ]);
  });

  it("notices a way that is gone: pings after silence, gives up without an answer", () => {
    bench.session.start();
    const socket = bench.greet();
    bench.pass(TIMES.silenceMs);
    expect(bench.pinged).toEqual([socket]);
    bench.session.received(socket, PONG);
    bench.pass(TIMES.silenceMs);
    expect(bench.pinged).toEqual([socket, socket]);
    bench.pass(TIMES.pongMs);
    expect(bench.closed).toEqual([socket]);
    expect(bench.losses).toBe(1);
    bench.pass(1000);
    expect(bench.opened.length).toBe(2);
  });

  it("tries the way at once after sleep, and after a change of network", () => {
    bench.session.start();
    const socket = bench.greet();
    bench.now += 3_600_000;
    bench.session.tick();
    expect(bench.pinged).toEqual([socket]);
    bench.pass(TIMES.wakePongMs);
    expect(bench.closed).toEqual([socket]);
    bench.pass(1000);
    bench.greet();
    bench.session.network(true);
    expect(bench.pinged).toEqual([socket, 2]);
  });

  it("does not wait any longer when the network is back", () => {
    bench.session.start();
    for (let attempt = 0; attempt < 7; attempt++) {
      bench.session.closed(bench.opened.at(-1)!, 1006, "");
      if (attempt < 6) bench.pass(30_000);
    }
    bench.session.network(false);
    expect(bench.shown).toBe("offline");
    const before = bench.opened.length;
    bench.session.network(true);
    expect(bench.opened.length).toBe(before + 1);
  });

  it("is unauthenticated without credentials, until somebody logs in", async () => {
    bench.session.start();
    bench.session.closed(1, 1008, "unauthenticated");
    await vi.waitFor(() => expect(bench.shown).toBe("unauthenticated"));
    bench.pass(600_000);
    expect(bench.opened).toEqual([1]);
    bench.session.reauthenticated();
    bench.greet();
    expect(bench.shown).toBe("online");
  });

  it("renews a token that has ended, but not for ever", async () => {
    bench.isRenewed = true;
    bench.session.start();
    for (const socket of [1, 2]) {
      bench.session.closed(socket, 1008, "unauthenticated");
      await vi.waitFor(() => expect(bench.opened.length).toBe(socket + 1));
    }
    bench.session.closed(3, 1008, "unauthenticated");
    await vi.waitFor(() => expect(bench.shown).toBe("unauthenticated"));
  });

  it("tries again when the token could not be renewed for now", async () => {
    bench.isRenewed = new Error("no network");
    bench.session.start();
    bench.session.closed(1, 1008, "unauthenticated");
    await vi.waitFor(() => expect(bench.shown).toBe("waiting"));
    bench.pass(1000);
    expect(bench.opened.length).toBe(2);
  });

  it("goes on trying as long as it cannot be found out whether the token may be renewed", async () => {
    bench.isRenewed = new Error("no network");
    bench.session.start();
    for (const socket of [1, 2, 3, 4]) {
      bench.session.closed(socket, 1008, "unauthenticated");
      await vi.waitFor(() => expect(bench.shown).toBe("waiting"));
      bench.pass(30_000 - TIMES.connectMs);
      expect(bench.opened.length).toBe(socket + 1);
    }
    bench.isRenewed = true;
    bench.session.closed(5, 1008, "unauthenticated");
    await vi.waitFor(() => expect(bench.opened.length).toBe(6));
    bench.greet();
    expect(bench.shown).toBe("online");
  });

  it("ends when its log-in was ended elsewhere", () => {
    bench.session.start();
    bench.session.closed(bench.greet(), 1008, "session_ended");
    expect(bench.shown).toBe("unauthenticated");
    expect(bench.wasEnded).toBe(true);
    bench.pass(600_000);
    expect(bench.opened).toEqual([1]);
  });

  it("hears nothing of sockets that it gave up", () => {
    bench.session.start();
    const socket = bench.greet();
    bench.session.stop();
    bench.session.received(socket, PONG);
    bench.session.closed(socket, 1006, "");
    bench.pass(600_000);
    expect(bench.delivered).toEqual(["hello"]);
    expect(bench.opened).toEqual([1]);
    expect(bench.shown).toBe("offline");
  });
});

describe("the wait after a connection ended", () => {
  it("is random, grows, and has a bound", () => {
    for (const code of [1000, 1001, 1006, 1011, 1012, 1013]) {
      for (let attempt = 0; attempt < 40; attempt++) {
        expect(backoffMs(code, attempt, () => 0.999)).toBeLessThanOrEqual(TIMES.backoffMaxMs);
        expect(backoffMs(code, attempt, () => 0)).toBeGreaterThanOrEqual(0);
        expect(backoffMs(code, attempt, () => 0.2)).not.toBe(backoffMs(code, attempt, () => 0.8));
      }
    }
  });

  it("is long for what will not mend itself, and when the server is full", () => {
    expect(backoffMs(1008, 0, () => 0)).toBeGreaterThanOrEqual(15_000);
    expect(backoffMs(1013, 0, () => 0)).toBeGreaterThanOrEqual(500);
    expect(backoffMs(1012, 0, () => 0.99)).toBeLessThan(200);
  });
});
