import type { OortError } from "../error.js";
import type { Presence as PresenceFrame } from "../generated/oort_v1.js";
import { TIMES, WATCH } from "../limits.js";
import { Derived } from "../stores.js";
import type { Presence, User } from "../types.js";
import { type Host, isRetryable } from "./host.js";

type PresenceView = Derived<ReadonlyMap<string, Presence>>;

/** Who is there and who types, for what is on screen. */
export class Attendance {
  readonly #host: Host;
  /** Open conversations with how often, the last opened last. */
  readonly #opened = new Map<string, number>();
  readonly #watched = new Map<string, number>();
  readonly #presence = new Map<string, Presence>();
  readonly #views = new Set<PresenceView>();
  /** The server answers `watch`: older ones do not. */
  #isSupported = false;
  #hasWatched = false;
  #isAway = false;
  /** What was said of it last: whoever holds the connection goes by it, also for the next one. */
  #isAwayTold = false;
  readonly #typing = new Map<string, Map<string, { user: User; timer: ReturnType<typeof setTimeout> }>>();
  /** When one last said oneself to be typing. */
  readonly #typed = new Map<string, number>();

  constructor(
    host: Host,
    readonly typists: (id: string, users: readonly User[]) => void,
  ) {
    this.#host = host;
  }

  isOnScreen(id: string): boolean {
    return this.#opened.has(id);
  }

  /** It is on screen; the returned function says whether it is no longer. */
  open(id: string): () => boolean {
    const count = this.#opened.get(id) ?? 0;
    this.#opened.delete(id);
    this.#opened.set(id, count + 1);
    if (count === 0) this.watchSoon();
    let isOpen = true;
    return () => {
      if (!isOpen) return false;
      isOpen = false;
      const left = (this.#opened.get(id) ?? 1) - 1;
      if (left > 0) this.#opened.set(id, left);
      else this.#opened.delete(id);
      if (left === 0) this.watchSoon();
      return left === 0;
    };
  }

  presence(userIds: readonly string[]): PresenceView {
    const pick = () => {
      const found = new Map<string, Presence>();
      for (const id of userIds) {
        const presence = this.#presence.get(id);
        if (presence) found.set(id, presence);
      }
      return found;
    };
    const view: PresenceView = new Derived(pick, (isWatched) => {
      for (const id of userIds) {
        const count = (this.#watched.get(id) ?? 0) + (isWatched ? 1 : -1);
        if (count > 0) this.#watched.set(id, count);
        else this.#watched.delete(id);
      }
      if (isWatched) this.#views.add(view);
      else this.#views.delete(view);
      view.invalidate();
      this.watchSoon();
    });
    return view;
  }

  /** The device is left alone, or no longer. */
  setAway(away: boolean): void {
    if (away === this.#isAway) return;
    this.#isAway = away;
    this.#tellAway();
  }

  #tellAway(): void {
    const away = this.#isAway;
    if (this.#host.requests.send({ type: "away", payload: { away } })) this.#isAwayTold = away;
  }

  /** There is another connection: it watches nothing yet, and begins near. */
  greeted(): void {
    this.#isSupported = false;
    if (this.#isAway || this.#isAwayTold) this.#tellAway();
    if (this.#hasWatched) this.watchSoon();
  }

  received({ users }: PresenceFrame["payload"]): void {
    this.#isSupported = true;
    for (const { id, online, lastSeenMs, away = false, devices = [] } of users) {
      const kinds = devices.map((device) => ({ kind: device.kind, away: device.away ?? false }));
      this.#presence.set(id, { online, lastSeenMs, away, devices: kinds });
    }
    for (const view of this.#views) view.invalidate();
  }

  watchSoon(afterMs: number = TIMES.watchMs): void {
    this.#hasWatched = true;
    this.#host.timers.soon("watch", afterMs, () => {
      const roomIds = [...this.#opened.keys()].slice(-WATCH.roomsMax);
      const userIds = [...this.#watched.keys()].slice(-WATCH.usersMax);
      for (const id of this.#presence.keys()) if (!this.#watched.has(id)) this.#presence.delete(id);
      if (!this.#host.isReady) return;
      this.#host.requests.ask("watch", { roomIds, userIds }).catch((error: OortError) => {
        if (isRetryable(error)) this.watchSoon(error.retryAfterMs ?? TIMES.answerMs);
      });
    });
  }

  setTyping(id: string, active: boolean): void {
    // Servers that do not know `watch` know no typing either.
    if (!this.#host.isReady || !this.#isSupported) return;
    const now = Date.now();
    const last = this.#typed.get(id);
    if (active ? last !== undefined && now - last < TIMES.typingRepeatMs : last === undefined) return;
    const send = () => this.#host.requests.send({ type: "typing", payload: { roomId: id, active } });
    if (active) {
      this.#typed.set(id, now);
      send();
      return;
    }
    this.#typed.delete(id);
    // Sooner after the last one the server would drop it.
    this.#host.timers.soon(`typing ${id}`, (last ?? 0) + TIMES.typingGapMs - now, () => {
      if (!this.#typed.has(id)) send();
    });
  }

  typing(id: string, user: User, active: boolean): void {
    const users = this.#typing.get(id) ?? new Map();
    const old = users.get(user.id);
    if (!old && !active) return;
    clearTimeout(old?.timer);
    users.delete(user.id);
    if (active) {
      const timer = setTimeout(() => this.typing(id, user, false), TIMES.typingMs);
      users.set(user.id, { user, timer });
    }
    if (users.size > 0) this.#typing.set(id, users);
    else this.#typing.delete(id);
    this.typists(
      id,
      [...users.values()].map((typist) => typist.user),
    );
  }

  /** Another user, or nobody. */
  clear(): void {
    this.#presence.clear();
    for (const users of this.#typing.values()) for (const { timer } of users.values()) clearTimeout(timer);
    for (const id of this.#typing.keys()) this.typists(id, []);
    this.#typing.clear();
    this.#typed.clear();
    for (const view of this.#views) view.invalidate();
  }
}
