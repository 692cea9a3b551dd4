import { vi } from "vitest";
import type { ClientFrame, WireUser } from "../../src/generated/oort_v1.js";
import type { FakeServer, Link } from "./server.js";

interface Waiting {
  readonly name: string;
  readonly tab: string;
  readonly grant: () => void;
}

/** Web Locks of one browser: exclusive ones, first come first served. */
class Locks {
  readonly held = new Map<string, { tab: string; end: () => void }>();
  waiting: Waiting[] = [];

  async request(
    tab: string,
    name: string,
    optionsOrFn: { signal?: AbortSignal } | (() => unknown),
    maybeFn?: () => unknown,
  ): Promise<unknown> {
    const fn = typeof optionsOrFn === "function" ? optionsOrFn : maybeFn!;
    const signal = typeof optionsOrFn === "function" ? undefined : optionsOrFn.signal;
    await new Promise<void>((grant, refuse) => {
      const waiting = { name, tab, grant };
      this.waiting.push(waiting);
      signal?.addEventListener("abort", () => {
        this.waiting = this.waiting.filter((other) => other !== waiting);
        refuse(new DOMException("aborted", "AbortError"));
      });
      this.#next(name);
    });
    let isHeld = true;
    const end = () => {
      if (!isHeld) return;
      isHeld = false;
      this.held.delete(name);
      this.#next(name);
    };
    this.held.set(name, { tab, end });
    try {
      return await fn();
    } finally {
      end();
    }
  }

  async query() {
    return { held: [...this.held.keys()].map((name) => ({ name })) };
  }

  /** The tab has crashed. */
  drop(tab: string): void {
    this.waiting = this.waiting.filter((waiting) => waiting.tab !== tab);
    for (const lock of [...this.held.values()]) if (lock.tab === tab) lock.end();
  }

  #next(name: string): void {
    if (this.held.has(name)) return;
    const index = this.waiting.findIndex((waiting) => waiting.name === name);
    const [next] = index < 0 ? [] : this.waiting.splice(index, 1);
    if (!next) return;
    // Held from now on, before whoever gets it runs.
    this.held.set(name, { tab: next.tab, end: () => {} });
    next.grant();
  }
}

/** A browser with tabs that share locks, channels and a database, and reach one server. */
export class Browser {
  readonly locks = new Locks();
  /** Open sockets, by tab. */
  readonly sockets = new Map<FakeSocket, string>();
  readonly #channels = new Set<Channel>();
  #tab = "";
  readonly #crashed = new Set<string>();
  isReachable = true;
  /** What connections said they know. */
  readonly sinces: (string | null)[] = [];

  constructor(
    readonly server: FakeServer,
    public user: WireUser | null,
  ) {
    const browser = this;
    vi.stubGlobal("document", new EventTarget());
    vi.stubGlobal("location", new URL("https://chat.example/"));
    vi.stubGlobal(
      "BroadcastChannel",
      class extends Channel {
        constructor(name: string) {
          super(name, browser.#tab, browser);
          browser.#channels.add(this);
        }
      },
    );
    vi.stubGlobal("fetch", async (path: string) => {
      if (!browser.isReachable) throw new TypeError("network");
      const isMe = String(path).endsWith("/api/me");
      const [, id, after] = /\/conversations\/(.+)\/changes\?after=(\d+)$/.exec(String(path)) ?? [];
      const me = { user: browser.user, expiresAtMs: 0, operator: true };
      const body = id ? server.changesAfter(id, Number(after)) : isMe ? me : {};
      return new Response(JSON.stringify(body), { status: 200 });
    });
  }

  /** What `fn` does is done by this tab: its locks, channels and sockets go with it. */
  as<T>(tab: string, fn: () => T): T {
    const { locks } = this;
    this.#tab = tab;
    const own = {
      request: (name: string, a: never, b: never) => locks.request(tab, name, a, b),
      query: () => locks.query(),
    };
    vi.stubGlobal("navigator", { locks: own, onLine: true });
    return fn();
  }

  socketClass(tab: string): typeof WebSocket {
    const browser = this;
    return class extends FakeSocket {
      constructor(url: string) {
        super(url, browser);
        browser.sockets.set(this, tab);
      }
    } as unknown as typeof WebSocket;
  }

  /** The tab is gone without a word. */
  crash(tab: string): void {
    this.#crashed.add(tab);
    for (const channel of this.#channels) if (channel.tab === tab) channel.close();
    for (const [socket, owner] of this.sockets) if (owner === tab) socket.vanish();
    this.locks.drop(tab);
  }

  hasCrashed(tab: string): boolean {
    return this.#crashed.has(tab);
  }

  post(from: Channel, data: unknown): void {
    for (const channel of this.#channels) {
      if (channel === from || channel.name !== from.name) continue;
      const copy = structuredClone(data);
      queueMicrotask(() => channel.isOpen && channel.onmessage?.({ data: copy }));
    }
  }
}

class Channel {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  isOpen = true;

  constructor(
    readonly name: string,
    readonly tab: string,
    readonly browser: Browser,
  ) {}

  postMessage(data: unknown): void {
    if (!this.isOpen || this.browser.hasCrashed(this.tab)) return;
    this.browser.post(this, data);
  }

  close(): void {
    this.isOpen = false;
  }
}

/** A WebSocket to the fake server. */
export class FakeSocket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  #link: Link | null = null;

  constructor(
    url: string,
    readonly browser: Browser,
  ) {
    setTimeout(() => this.#open(new URL(url)), 1);
  }

  send(text: string): void {
    this.#link?.send(JSON.parse(text) as ClientFrame);
    this.#pump();
  }

  close(): void {
    this.end(1000, "");
  }

  end(code: number, reason: string): void {
    if (this.readyState === 3) return;
    this.vanish();
    this.onclose?.({ code, reason });
  }

  vanish(): void {
    this.readyState = 3;
    this.#link?.close();
    this.browser.sockets.delete(this);
  }

  #open(url: URL): void {
    if (this.readyState !== 0) return;
    if (!this.browser.isReachable) return this.end(1006, "");
    this.readyState = 1;
    this.onopen?.();
    if (!this.browser.user) return this.end(1008, "unauthenticated");
    const since = url.searchParams.get("since");
    this.browser.sinces.push(since);
    this.#link = this.browser.server.connect(this.browser.user, since);
    this.#pump();
    const timer = setInterval(() => (this.readyState === 1 ? this.#pump() : clearInterval(timer)), 5);
  }

  #pump(): void {
    for (;;) {
      const frame = this.#link?.queue.shift();
      if (!frame) return;
      const data = JSON.stringify(frame);
      setTimeout(() => this.readyState === 1 && this.onmessage?.({ data }), 1);
    }
  }
}
