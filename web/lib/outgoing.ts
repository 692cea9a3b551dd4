import type { Draft, Store } from "./oort";
import { areReady, messagesOf, type Tray } from "./tray";

export interface OutgoingView {
  /** It is sent once its files are there. */
  readonly waiting: Draft | null;
  /** Why what was to be sent was not taken. */
  readonly error?: unknown;
  /** How many were sent. */
  readonly sent: number;
}

/** What is written in one conversation, on its way with the files of its tray: it goes when they are there, whatever is on screen then. */
export class Outgoing implements Store<OutgoingView> {
  #view: OutgoingView = { waiting: null, sent: 0 };
  readonly #listeners = new Set<() => void>();

  constructor(
    readonly tray: Tray,
    /** Takes one message, or throws. */
    readonly take: (draft: Draft) => void,
    /** All of it was taken. */
    readonly done: () => void,
  ) {
    tray.subscribe(() => this.#look());
  }

  get = (): OutgoingView => this.#view;

  subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  };

  /** Sends it now, or when its files are there. Another one takes the place of one that waits. */
  send(draft: Draft): void {
    this.#set({ waiting: draft, error: undefined });
    const picked = this.tray.get();
    if (areReady(picked)) this.#sendWith(picked);
  }

  /** What waits is not sent until it is asked for again. */
  hold(): void {
    if (this.#view.waiting) this.#set({ waiting: null });
  }

  #look(): void {
    if (!this.#view.waiting) return;
    const picked = this.tray.get();
    // Its files were taken off, or cannot come: it is not sent without them unasked.
    if (picked.length === 0 || picked.some(({ state }) => state === "failed")) this.hold();
    else if (areReady(picked)) this.#sendWith(picked);
  }

  #sendWith(picked: Parameters<typeof messagesOf>[1]): void {
    const { waiting, sent } = this.#view;
    if (!waiting) return;
    // First, since each file that is taken is told of.
    this.#view = { waiting: null, sent };
    try {
      for (const { draft, key } of messagesOf(waiting, picked)) {
        this.take(draft);
        if (key !== undefined) this.tray.taken(key);
      }
      this.done();
      this.#set({ sent: sent + 1 });
    } catch (error) {
      this.#set({ error });
    }
  }

  #set(change: Partial<OutgoingView>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener();
  }
}
