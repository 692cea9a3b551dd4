import type { State } from "../core/session.js";
import type { ClientFrame, ServerFrame } from "../generated/oort_v1.js";
import { WATCH } from "../limits.js";
import type { Tokens } from "../types.js";

/** What tabs of one origin say to each other. */
export type Note =
  /** A tab looks for the leader. */
  | { kind: "attach"; tab: string }
  /** There is a new leader. */
  | { kind: "leader" }
  /** A frame for the server. */
  | { kind: "up"; tab: string; frame: ClientFrame }
  /** A frame from the server, for all tabs or for one. */
  | { kind: "down"; tab?: string; frame: ServerFrame }
  | { kind: "state"; tab?: string; state: State }
  /** The connection is gone. */
  | { kind: "lost" }
  /** A tab wants the connection to be made anew. */
  | { kind: "restart" }
  /** Tokens were renewed, or are worth nothing any more. */
  | { kind: "tokens"; tokens: Tokens | null }
  /** A tab is about to renew its tokens: are there newer ones? */
  | { kind: "askTokens" }
  | { kind: "haveTokens"; tokens: Tokens }
  | { kind: "loggedIn" }
  | { kind: "loggedOut" };

/** The tabs of one origin: a channel, and locks that a tab holds as long as it lives. */
export class Tabs {
  readonly #channel: BroadcastChannel;
  readonly #locks = navigator.locks;
  readonly #ended = new AbortController();
  readonly #releases: (() => void)[] = [];

  static areSupported(): boolean {
    return typeof BroadcastChannel === "function" && typeof navigator === "object" && "locks" in navigator;
  }

  constructor(
    readonly name: string,
    readonly tab: string,
    readonly heard: (note: Note) => void,
  ) {
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => this.heard(data as Note);
  }

  tell(note: Note): void {
    if (!this.#ended.signal.aborted) this.#channel.postMessage(note);
  }

  /** Makes others see that this tab lives. */
  async live(): Promise<void> {
    await new Promise<void>((granted) => void this.#hold(this.#tabLock(this.tab), granted));
  }

  /** Calls `elected` when no other tab leads any more. */
  lead(elected: () => void): void {
    void this.#hold(`${this.name}:leader`, elected);
  }

  /** Calls `fn` when that tab is gone. */
  afterEndOf(tab: string, fn: () => void): void {
    this.#locks
      .request(this.#tabLock(tab), { signal: this.#ended.signal }, () => {})
      // Only now the lock is free again, so that the tab no longer counts as living.
      .then(fn, () => {
        // Stopped meanwhile.
      });
  }

  /** The tabs that live. */
  async living(): Promise<ReadonlySet<string>> {
    const { held = [] } = await this.#locks.query();
    const prefix = this.#tabLock("");
    const names = held.flatMap(({ name }) => (name?.startsWith(prefix) ? [name.slice(prefix.length)] : []));
    return new Set(names);
  }

  /** Runs `fn` in one tab at a time. */
  exclusively<T>(name: string, fn: () => Promise<T>): Promise<T> {
    return this.#locks.request(`${this.name}:${name}`, fn) as Promise<T>;
  }

  stop(): void {
    this.#ended.abort();
    for (const release of this.#releases.splice(0)) release();
    this.#channel.close();
  }

  #tabLock(tab: string): string {
    return `${this.name}:tab:${tab}`;
  }

  async #hold(name: string, granted: () => void): Promise<void> {
    try {
      await this.#locks.request(name, { signal: this.#ended.signal }, () => {
        if (this.#ended.signal.aborted) return undefined;
        granted();
        return new Promise<void>((release) => this.#releases.push(release));
      });
    } catch {
      // Stopped while waiting.
    }
  }
}

/** Which tabs are left alone: the device is when all of them are. */
export class AwayByTabs {
  readonly #tabs = new Set<string>();

  /** Takes a tab's word; says whether all of `living` are left alone now. */
  put(tab: string, isAway: boolean, living: Iterable<string>): boolean {
    if (isAway) this.#tabs.add(tab);
    else this.#tabs.delete(tab);
    return this.areAll(living);
  }

  /** Forgets a tab; says whether all of those that are left are left alone. */
  remove(tab: string, living: Iterable<string>): boolean {
    this.#tabs.delete(tab);
    return this.areAll(living);
  }

  areAll(living: Iterable<string>): boolean {
    return [...living].every((tab) => this.#tabs.has(tab));
  }
}

type Watched = {
  readonly roomIds: readonly string[];
  readonly userIds: readonly string[];
};

/** What all tabs watch together: the server knows of one connection only. */
export class WatchedByTabs {
  readonly #sets = new Map<string, Watched>();

  /** Takes a tab's set; returns the frame for all. */
  put(tab: string, frame: ClientFrame & { type: "watch" }): ClientFrame {
    this.#sets.delete(tab);
    this.#sets.set(tab, frame.payload);
    return {
      type: "watch",
      payload: { ...this.#union(), requestId: frame.payload.requestId },
    };
  }

  /** Forgets a tab; returns the frame for those that are left. */
  remove(tab: string): ClientFrame | null {
    return this.#sets.delete(tab) ? { type: "watch", payload: this.#union() } : null;
  }

  #union(): { roomIds: string[]; userIds: string[] } {
    // The tab that changed last comes last, and what came last counts most.
    const sets = [...this.#sets.values()].reverse();
    const union = (of: (set: Watched) => readonly string[], max: number) =>
      [...new Set(sets.flatMap(of))].slice(0, max);
    return {
      roomIds: union(({ roomIds }) => roomIds, WATCH.roomsMax),
      userIds: union(({ userIds }) => userIds, WATCH.usersMax),
    };
  }
}
