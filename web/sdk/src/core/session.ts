import type { ServerFrame } from "../generated/oort_v1.js";
import { TIMES } from "../limits.js";
import type { Connection } from "../types.js";
import { backoffMs } from "./backoff.js";

export type State = Pick<Connection, "state" | "retryAtMs">;

/** What a session makes happen. */
export interface SessionIo {
  nowMs(): number;
  random(): number;
  /** Calls `fn` after `ms`; returns what prevents that. */
  later(ms: number, fn: () => void): () => void;
  /** Opens socket number `socket`. Its fate is told by `opened`, `received`, `closed`. */
  open(socket: number): void;
  close(socket: number): void;
  ping(socket: number): void;
  /** A frame for everybody; `hello` comes first. */
  deliver(frame: ServerFrame): void;
  /** What was sent and has no answer gets none. */
  lost(): void;
  report(state: State): void;
  /** New credentials; `false`: there are none to be had. Throws: cannot be found out now. */
  renew(): Promise<boolean>;
  /** The log-in was ended on purpose. */
  ended(): void;
}

interface Socket {
  readonly id: number;
  heardAtMs: number;
  /** A sign of life must come before. */
  deadlineMs: number;
  helloAtMs: number;
}

/**
 * Keeps one connection: opens it, notices that it is gone, waits as long as the server says or a growing random time,
 * and replaces it without a gap when the server asks for that.
 */
export class Session {
  #isRunning = false;
  #count = 0;
  /** Has said hello. */
  #current: Socket | null = null;
  /** Is being opened. */
  #next: Socket | null = null;
  #attempt = 0;
  #renewals = 0;
  #isUnauthenticated = false;
  #cancelRetry: (() => void) | null = null;
  #cancelGrace: (() => void) | null = null;
  #cancelConnect: (() => void) | null = null;
  #hasNetwork = true;
  #graceUntilMs = 0;
  /** What is so, and what was last shown. */
  #state: State = { state: "offline" };
  #lastTickMs = 0;

  constructor(
    readonly io: SessionIo,
    /** Shown so far, by whoever held the connection before. */
    shown: State = { state: "offline" },
  ) {
    if (shown.state === "online") this.#graceUntilMs = io.nowMs() + TIMES.graceMs;
  }

  get isOnline(): boolean {
    return this.#current !== null;
  }

  get socket(): number | null {
    return this.#current?.id ?? null;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#isUnauthenticated = false;
    this.#lastTickMs = this.io.nowMs();
    this.#connect();
  }

  stop(): void {
    this.#isRunning = false;
    this.#graceUntilMs = 0;
    this.#reset();
    this.#become({ state: "offline" });
  }

  /** Somebody has logged in. */
  reauthenticated(): void {
    if (!this.#isRunning) return;
    this.#isUnauthenticated = false;
    this.#renewals = 0;
    this.#attempt = 0;
    this.#reset();
    this.#connect();
  }

  /** Somebody has logged out. */
  loggedOut(): void {
    if (!this.#isRunning) return;
    this.#unauthenticated();
  }

  /** Drops the connection and opens another at once: what was missed comes with its hello. */
  restart(): void {
    if (!this.#isRunning || this.#next || !this.#current) return;
    this.#extendGrace(TIMES.graceMs);
    this.#drop(this.#current);
  }

  opened(id: number): void {
    if (this.#next?.id !== id) return;
    this.#next.heardAtMs = this.io.nowMs();
    if (!this.#current) this.#become({ state: "syncing" });
  }

  received(id: number, frame: ServerFrame): void {
    const socket = this.#current?.id === id ? this.#current : this.#next?.id === id ? this.#next : null;
    if (!socket) return;
    socket.heardAtMs = this.io.nowMs();
    socket.deadlineMs = Number.POSITIVE_INFINITY;
    if (frame.type === "hello") this.#greeted(socket);
    if (frame.type === "reconnect") {
      const { afterMs } = frame.payload;
      return socket === this.#next ? this.#turnedAway(socket, afterMs) : this.#handOver(afterMs);
    }
    if (socket === this.#current) this.io.deliver(frame);
  }

  closed(id: number, code: number, reason: string): void {
    const wasCurrent = this.#current?.id === id;
    if (!wasCurrent && this.#next?.id !== id) return;
    const heldMs = wasCurrent ? this.io.nowMs() - (this.#current?.helloAtMs ?? 0) : 0;
    if (wasCurrent) {
      this.#current = null;
      // The server is there; only a connection that held proves that haste is no harm.
      this.#attempt = heldMs >= TIMES.stableMs ? 0 : Math.min(this.#attempt, 2);
    } else {
      this.#next = null;
      this.#cancelConnect?.();
    }
    if (wasCurrent) this.io.lost();
    if (!this.#isRunning) return;
    if (code === 1008 && reason === "session_ended") {
      this.#unauthenticated();
      return this.io.ended();
    }
    if (code === 1008 && /authenticated/.test(reason)) {
      void this.#renew();
      return;
    }
    // The replacement is under way or has its time.
    if (this.#next || this.#cancelRetry) return;
    if (wasCurrent) this.#extendGrace(TIMES.graceMs);
    else if (!this.#current) this.#graceUntilMs = 0;
    this.#retry(backoffMs(code, this.#attempt++, this.io.random));
  }

  /** The machine has or lacks a network, or another one. What it says is not always so: it is tried. */
  network(hasNetwork: boolean): void {
    this.#hasNetwork = hasNetwork;
    if (!this.#isRunning || this.#isUnauthenticated) return;
    if (this.#current) this.#probe(this.#current, TIMES.wakePongMs);
    else if (!this.#next && hasNetwork) this.#connect();
    else this.#become(this.#state);
  }

  /** The page is looked at again, or the machine has slept. */
  woke(): void {
    this.network(this.#hasNetwork);
  }

  /** To be called every `TIMES.tickMs`. */
  tick(): void {
    const now = this.io.nowMs();
    const hasSlept = now - this.#lastTickMs > 3 * TIMES.tickMs;
    this.#lastTickMs = now;
    if (!this.#isRunning) return;
    const current = this.#current;
    if (hasSlept) this.woke();
    else if (current && now >= current.deadlineMs) this.#drop(current);
    else if (current && now - current.heardAtMs >= TIMES.silenceMs) this.#probe(current, TIMES.pongMs);
  }

  #connect(): void {
    if (this.#next || !this.#isRunning) return;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    const socket: Socket = {
      id: ++this.#count,
      heardAtMs: this.io.nowMs(),
      deadlineMs: Number.POSITIVE_INFINITY,
      helloAtMs: 0,
    };
    this.#next = socket;
    this.#cancelConnect = this.io.later(TIMES.connectMs, () => {
      if (this.#next === socket) this.#drop(socket);
    });
    if (!this.#current) this.#become({ state: "connecting" });
    this.io.open(socket.id);
  }

  #greeted(socket: Socket): void {
    if (socket === this.#next) {
      const old = this.#current;
      this.#current = socket;
      this.#next = null;
      this.#cancelConnect?.();
      if (old) {
        this.io.close(old.id);
        this.io.lost();
      }
    }
    socket.helloAtMs = this.io.nowMs();
    this.#renewals = 0;
    this.#graceUntilMs = 0;
    this.#become({ state: "online" });
  }

  /** Opens another connection after `afterMs`, and keeps this one until that is there, or as long as it lasts. */
  #handOver(afterMs: number): void {
    if (this.#next) return;
    this.#cancelRetry?.();
    this.#extendGrace(afterMs + 2 * TIMES.graceMs);
    this.#cancelRetry = this.io.later(afterMs, () => this.#connect());
  }

  /** The server has no room now: comes again when it says, which is another time for each. */
  #turnedAway(socket: Socket, afterMs: number): void {
    this.#next = null;
    this.#cancelConnect?.();
    this.io.close(socket.id);
    this.#attempt++;
    if (!this.#current) this.#graceUntilMs = 0;
    this.#retry(afterMs);
  }

  #retry(ms: number): void {
    this.#cancelRetry?.();
    this.#cancelRetry = this.io.later(ms, () => this.#connect());
    if (!this.#current) this.#become({ state: "waiting", retryAtMs: this.io.nowMs() + ms });
  }

  async #renew(): Promise<void> {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    const count = this.#count;
    let isRenewed: boolean;
    try {
      isRenewed = this.#renewals < 2 && (await this.io.renew());
      // One that could not be had for now says nothing against the next.
      if (isRenewed) this.#renewals++;
    } catch {
      if (count === this.#count && !this.#cancelRetry)
        this.#retry(backoffMs(1006, this.#attempt++, this.io.random));
      return;
    }
    // Something else has happened meanwhile.
    if (count !== this.#count || !this.#isRunning || this.#isUnauthenticated) return;
    if (isRenewed) this.#connect();
    else this.#unauthenticated();
  }

  #unauthenticated(): void {
    this.#isUnauthenticated = true;
    this.#graceUntilMs = 0;
    this.#reset();
    this.#become({ state: "unauthenticated" });
  }

  #probe(socket: Socket, patienceMs: number): void {
    if (socket.deadlineMs !== Number.POSITIVE_INFINITY) return;
    socket.deadlineMs = this.io.nowMs() + patienceMs;
    this.io.ping(socket.id);
    this.io.later(patienceMs, () => {
      if (this.#current === socket && this.io.nowMs() >= socket.deadlineMs) this.#drop(socket);
    });
  }

  /** Gives a socket up without waiting for its end. */
  #drop(socket: Socket): void {
    this.io.close(socket.id);
    this.closed(socket.id, 1006, "");
  }

  #reset(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#cancelConnect?.();
    for (const socket of [this.#current, this.#next]) if (socket) this.io.close(socket.id);
    const hadOne = this.#current !== null;
    this.#current = null;
    this.#next = null;
    if (hadOne) this.io.lost();
  }

  #extendGrace(ms: number): void {
    if (this.#state.state === "online")
      this.#graceUntilMs = Math.max(this.#graceUntilMs, this.io.nowMs() + ms);
  }

  /** Shows the state, unless it is to be hidden that the connection is being replaced. */
  #become(state: State): void {
    const shown: State = state.state === "waiting" && !this.#hasNetwork ? { state: "offline" } : state;
    this.#state = shown;
    this.#cancelGrace?.();
    this.#cancelGrace = null;
    const leftMs = this.#graceUntilMs - this.io.nowMs();
    if (leftMs > 0) this.#cancelGrace = this.io.later(leftMs, () => this.io.report(this.#state));
    else this.io.report(shown);
  }
}
