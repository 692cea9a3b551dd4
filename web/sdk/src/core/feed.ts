import { OortError } from "../error.js";
import { batch } from "../stores.js";
import { type Host, isInterruption, isRetryable } from "./host.js";

/** What happens in an order: 1, 2, 3, … without holes. */
export interface Numbered {
  readonly seq: number;
}

/** What came after a place, oldest first. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The newest one there is. */
  readonly head: number;
  readonly hasMore: boolean;
  /** Some after the place are no longer kept. */
  readonly truncated: boolean;
}

/** What a feed makes happen. */
export interface FeedIo<T> {
  /** Of its own, for timers. */
  readonly name: string;
  fetch(after: number): Promise<Page<T>>;
  /** Takes the next one. */
  tell(item: T): void;
  /** Some will never be told. */
  lost(): void;
  /** What lacks is fetched now; else when `pump` is called. */
  isWanted?(): boolean;
}

/** Pause before a page is asked for again, ms. */
const PAUSE_MS = 1000;

/** Tells numbered things in order and each once, whatever way and in whatever order they come; fetches what lacks. */
export class Feed<T extends Numbered> {
  /** Told up to here; null: where to begin is not known yet. */
  seq: number | null = null;
  readonly #host: Host;
  #head = 0;
  /** Some may have been left out: there may be more than is known. */
  #isHeadUnknown = false;
  /** Came before one that lacks. */
  readonly #ahead = new Map<number, T>();
  #isFetching = false;
  /** Counts beginnings: what was asked before one is not told after it. */
  #run = 0;

  constructor(
    host: Host,
    readonly io: FeedIo<T>,
  ) {
    this.#host = host;
  }

  /** The newest one known to exist. */
  get head(): number {
    return Math.max(this.#head, this.seq ?? 0);
  }

  /** The newest one is said to be this. Where nothing was told yet, nothing was missed. */
  setHead(head: number): void {
    this.seq ??= head;
    this.#isHeadUnknown = false;
    this.#head = Math.max(this.#head, head);
    this.#advance();
  }

  received(item: T): void {
    if (this.seq === null) return;
    this.#put(item);
    this.#advance();
  }

  /** There may be newer ones than known. */
  forgetHead(): void {
    this.#isHeadUnknown = true;
    this.#advance();
  }

  /** Begins anew after `seq`. */
  reset(seq: number | null): void {
    this.seq = seq;
    this.#head = seq ?? 0;
    this.#isHeadUnknown = false;
    this.#ahead.clear();
    this.#run++;
  }

  /** What came after `seq` is told again. */
  rewind(seq: number): void {
    if (this.seq === null || seq >= this.seq) return;
    this.#head = this.head;
    this.seq = seq;
    this.#run++;
    this.#advance();
  }

  /** Asks for what lacks. */
  pump(): void {
    void this.#fetch();
  }

  get #lacks(): boolean {
    return this.seq !== null && (this.seq < this.#head || this.#isHeadUnknown);
  }

  #put(item: T): void {
    this.#head = Math.max(this.#head, item.seq);
    const told = this.seq ?? 0;
    // What is too far ahead is fetched when its turn comes.
    if (item.seq > told && item.seq <= told + this.#host.limits.aheadMax) this.#ahead.set(item.seq, item);
  }

  #advance(): void {
    while (this.seq !== null) {
      const next = this.#ahead.get(this.seq + 1);
      if (!next) break;
      this.#ahead.delete(++this.seq);
      this.io.tell(next);
    }
    this.pump();
  }

  async #fetch(): Promise<void> {
    const { seq: after } = this;
    if (after === null || !this.#lacks || this.#isFetching || !this.#host.isReady) return;
    if (this.io.isWanted?.() === false) return;
    const run = this.#run;
    this.#isFetching = true;
    let waitMs = PAUSE_MS;
    try {
      const page = await this.io.fetch(after);
      if (run === this.#run) batch(() => this.#take(page));
      if (run !== this.#run || this.seq !== after) waitMs = 0;
    } catch (error) {
      if (!(error instanceof OortError)) throw error;
      // What is refused for good is asked for again after the next hello.
      const mayGoThrough = isRetryable(error) || isInterruption(error);
      waitMs = mayGoThrough ? (error.retryAfterMs ?? PAUSE_MS) : Number.POSITIVE_INFINITY;
    } finally {
      this.#isFetching = false;
    }
    if (waitMs === 0) this.pump();
    else if (waitMs < Number.POSITIVE_INFINITY && this.#lacks)
      this.#host.timers.soon(this.io.name, waitMs, () => this.pump());
  }

  #take({ items, head, hasMore, truncated }: Page<T>): void {
    const oldest = items[0]?.seq ?? head + 1;
    if (truncated && this.seq !== null && oldest > this.seq + 1) {
      for (const seq of this.#ahead.keys()) if (seq < oldest) this.#ahead.delete(seq);
      this.seq = oldest - 1;
      this.io.lost();
    }
    this.#head = Math.max(this.#head, head);
    if (!hasMore) this.#isHeadUnknown = false;
    for (const item of items) this.#put(item);
    this.#advance();
  }
}
