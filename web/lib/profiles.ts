import { type Profile, refusalOf, type Store } from "./oort";

/** People whose profiles are kept; the ones wanted longest ago go first. */
const keptMax = 500;
/** Profiles asked for at the same time. */
const asksMax = 3;
/** What is older is asked for again when it is wanted. */
const freshMs = 10 * 60_000;
/** After an ask that failed; each further one waits twice as long, up to `freshMs`. */
const againMs = 2000;

interface Slot extends Store<Profile | null> {
  profile: Profile | null;
  /** Not asked for again before. */
  freshUntilMs: number;
  /** Asks in a row that had no answer. */
  failures: number;
  listeners: Set<() => void>;
}

/** What people tell of themselves, asked for one by one when it is drawn, and kept for a while. */
export class Profiles {
  readonly #slots = new Map<string, Slot>();
  readonly #waiting = new Set<string>();
  readonly #ask: (id: string) => Promise<Profile>;
  readonly #now: () => number;
  #asking = 0;

  constructor(ask: (id: string) => Promise<Profile>, now: () => number = Date.now) {
    this.#ask = ask;
    this.#now = now;
  }

  /** The profile of a user: null until it is known, and where it is not to be known. The same object for the same user. */
  of(id: string): Store<Profile | null> {
    return this.#slot(id);
  }

  /** It was read elsewhere. */
  put(id: string, profile: Profile): void {
    const slot = this.#slot(id);
    slot.freshUntilMs = this.#now() + freshMs;
    this.#waiting.delete(id);
    this.#tell(slot, profile);
  }

  #slot(id: string): Slot {
    let slot = this.#slots.get(id);
    if (!slot) {
      const listeners = new Set<() => void>();
      const made: Slot = {
        profile: null,
        freshUntilMs: 0,
        failures: 0,
        listeners,
        get: () => made.profile,
        subscribe: (changed) => {
          listeners.add(changed);
          this.#want(id, made);
          return () => void listeners.delete(changed);
        },
      };
      slot = made;
      this.#slots.set(id, slot);
      this.#forget();
    }
    return slot;
  }

  #forget(): void {
    for (const [id, { listeners }] of this.#slots) {
      if (this.#slots.size <= keptMax) return;
      if (listeners.size === 0) this.#slots.delete(id);
    }
  }

  #want(id: string, slot: Slot): void {
    // Wanted last: forgotten last.
    this.#slots.delete(id);
    this.#slots.set(id, slot);
    if (this.#now() < slot.freshUntilMs) return;
    slot.freshUntilMs = this.#now() + freshMs;
    this.#waiting.add(id);
    this.#goOn();
  }

  #goOn(): void {
    for (const id of this.#waiting) {
      if (this.#asking >= asksMax) return;
      this.#waiting.delete(id);
      const slot = this.#slots.get(id);
      // Nobody looks any more.
      if (!slot || slot.listeners.size === 0) {
        if (slot) slot.freshUntilMs = 0;
        continue;
      }
      this.#asking += 1;
      this.#ask(id)
        .then(
          (profile) => this.#tell(slot, profile),
          (error) => this.#failed(id, slot, error),
        )
        .finally(() => {
          this.#asking -= 1;
          this.#goOn();
        });
    }
  }

  #failed(id: string, slot: Slot, error: unknown): void {
    const { code, retryAfterMs = 0 } = refusalOf(error);
    // Somebody who is gone, or cannot be asked for, shows nothing: that is an answer.
    if (code === "not_found" || code === "forbidden") return;
    const waitMs = Math.min(freshMs, Math.max(retryAfterMs, againMs * 2 ** slot.failures));
    slot.failures += 1;
    setTimeout(() => {
      // It was read elsewhere meanwhile.
      if (slot.failures === 0) return;
      slot.freshUntilMs = 0;
      if (slot.listeners.size > 0) this.#want(id, slot);
    }, waitMs);
  }

  #tell(slot: Slot, profile: Profile): void {
    slot.failures = 0;
    const { nick, avatar, sex, description } = slot.profile ?? {};
    if (
      nick === profile.nick &&
      avatar === profile.avatar &&
      sex === profile.sex &&
      description === profile.description
    )
      return;
    slot.profile = profile;
    for (const listener of slot.listeners) listener();
  }
}
