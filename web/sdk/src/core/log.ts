import type { Message } from "../types.js";
import { endOf, shownAt } from "./expiry.js";

/** Seqs that are known, both ends included. `high` = `low` - 1: none, but nothing lies before `low`. */
interface Range {
  low: number;
  high: number;
}

/** What a log lacks at its end: the newest page, or what is newer than `seq`. */
export type Need = { kind: "newest" } | { kind: "after"; seq: number };

/**
 * The messages of one conversation. Whatever order frames, pages and cached messages come in, it shows one range of
 * seqs without holes that only grows at its end; what lies beyond a hole waits until the hole is filled.
 */
export class Log {
  /** Disjoint and apart, ascending; the first one is shown. */
  #ranges: Range[] = [];
  readonly #messages = new Map<number, Message>();
  /** Those that were put here as they were sent. Once they are changed they are others. */
  readonly #sent = new WeakSet<Message>();
  /** What was shown last, with its range. */
  #items: readonly Message[] = [];
  #itemsLow = 1;
  #itemsHigh = 0;
  #seenOf: readonly Message[] = this.#items;
  #seen: readonly Message[] = this.#items;
  /** When the first of its messages ends; none ends before. */
  #endMs = Number.POSITIVE_INFINITY;
  #head = 0;
  #isHeadUnknown = false;

  constructor(
    readonly gapMax: number,
    readonly aheadMax: number,
  ) {}

  /** `seq` of the newest message known to exist. */
  get head(): number {
    return this.#head;
  }

  /** Nothing at all is known of what it holds. */
  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** First seq shown; 1 = there are none before. */
  get low(): number {
    return this.#ranges[0]?.low ?? this.#head + 1;
  }

  /** Last seq shown. */
  get high(): number {
    return this.#ranges[0]?.high ?? 0;
  }

  get hasOlder(): boolean {
    const shown = this.#ranges[0];
    return shown ? shown.low > 1 : this.#head > 0;
  }

  /** What is shown, oldest first; the same array until it changes. */
  get items(): readonly Message[] {
    const { low, high } = this;
    const isLonger = low === this.#itemsLow && high > this.#itemsHigh;
    if (isLonger) this.#items = this.#items.concat(this.#collect(this.#itemsHigh + 1, high));
    else if (low !== this.#itemsLow || high !== this.#itemsHigh) this.#items = this.#collect(low, high);
    this.#itemsLow = low;
    this.#itemsHigh = high;
    return this.#items;
  }

  /** The same without those that the reader had removed. */
  get seen(): readonly Message[] {
    const { items } = this;
    if (items !== this.#seenOf) {
      this.#seenOf = items;
      this.#seen = items.some(({ hidden }) => hidden) ? items.filter(({ hidden }) => !hidden) : items;
    }
    return this.#seen;
  }

  /** What is shown after this seq. */
  after(seq: number): readonly Message[] {
    return seq < this.high ? this.#collect(Math.max(seq + 1, this.low), this.high) : [];
  }

  /** The newest message held, shown or not. */
  get newest(): Message | undefined {
    return this.#newest(() => true);
  }

  /** The newest one that the reader did not have removed. */
  get newestSeen(): Message | undefined {
    return this.#newest(({ hidden }) => !hidden);
  }

  #newest(isWanted: (message: Message) => boolean): Message | undefined {
    const last = this.#ranges.at(-1);
    for (let seq = last?.high ?? 0; last && seq >= last.low; seq--) {
      const message = this.#messages.get(seq);
      if (message && isWanted(message)) return message;
    }
    return undefined;
  }

  /** The hole after what is shown. */
  get gap(): { fromSeq: number; toSeq: number } | null {
    const shown = this.#ranges[0];
    if (!shown || shown.high >= this.#head) return null;
    return {
      fromSeq: shown.high + 1,
      toSeq: (this.#ranges[1]?.low ?? this.#head + 1) - 1,
    };
  }

  /** What to ask for to be complete up to the head. */
  get need(): Need | null {
    const shown = this.#ranges[0];
    if (!shown) return this.#head > 0 || this.#isHeadUnknown ? { kind: "newest" } : null;
    if (shown.high >= this.#head && !this.#isHeadUnknown) return null;
    return this.#head - shown.high > this.gapMax ? { kind: "newest" } : { kind: "after", seq: shown.high };
  }

  /** The message with this seq, shown or not. */
  at(seq: number): Message | undefined {
    return this.#messages.get(seq);
  }

  /** Everything in [`low`, `high`] is known. */
  covers(low: number, high: number): boolean {
    return high < low || this.#ranges.some((range) => range.low <= low && high <= range.high);
  }

  /** Puts a message that has changed in the place of what was known of it. */
  replace(message: Message): void {
    const { seq } = message;
    if (!this.#messages.has(seq)) return;
    this.#put(message);
    if (seq < this.#itemsLow || seq > this.#itemsHigh) return;
    this.#items = this.#items.map((other) => (other.seq === seq ? message : other));
  }

  /** When something it holds is no longer to be shown; `Infinity`: never. */
  get endMs(): number {
    return this.#endMs;
  }

  /** Leaves of what has ended by now its place. Returns whether anything had. */
  expire(nowMs: number): boolean {
    if (this.#endMs > nowMs) return false;
    this.#endMs = Number.POSITIVE_INFINITY;
    let isChanged = false;
    for (const message of [...this.#messages.values()]) {
      const shown = shownAt(message, nowMs);
      isChanged ||= shown !== message;
      if (shown === message) this.#endMs = Math.min(this.#endMs, endOf(message));
      else this.replace(shown);
    }
    return isChanged;
  }

  #put(message: Message): void {
    this.#messages.set(message.seq, message);
    this.#endMs = Math.min(this.#endMs, endOf(message));
  }

  /** Forgets what is known, but for the head. */
  restart(): void {
    this.#ranges = [];
    this.#messages.clear();
    this.#isHeadUnknown = true;
  }

  /** The newest message is said to be this one. */
  setHead(head: number): void {
    this.#head = Math.max(this.#head, head);
  }

  /** There may be newer messages than known: the end must be asked for. */
  forgetHead(): void {
    this.#isHeadUnknown = true;
  }

  /** Messages as they came, in any order. */
  addLive(messages: readonly Message[]): void {
    for (const message of messages) this.#cover(message.seq, message.seq, [message]);
    this.#settle();
  }

  /** One's own as they were sent; the server may have made something else of them, which takes their place. */
  addSent(messages: readonly Message[]): void {
    for (const message of messages) this.#sent.add(message);
    this.addLive(messages);
  }

  /** The newest messages, newest first. */
  addNewest(messages: readonly Message[], hasMore: boolean, head: number): void {
    this.setHead(head);
    const last = messages.at(-1);
    const low = hasMore ? last?.seq : 1;
    if (low !== undefined) this.#cover(low, messages[0]?.seq ?? head, messages);
    this.#isHeadUnknown = false;
    this.#settle();
  }

  /** Answer to what is newer than `after`, oldest first. */
  addAfter(after: number, messages: readonly Message[], hasMore: boolean, head: number): void {
    this.setHead(head);
    const last = messages.at(-1)?.seq ?? after;
    this.#cover(after + 1, last, messages);
    if (!hasMore) this.#isHeadUnknown = false;
    this.#settle();
  }

  /** Answer to what is older than `before`, newest first. */
  addBefore(before: number, messages: readonly Message[], hasMore: boolean): void {
    const low = hasMore ? messages.at(-1)?.seq : 1;
    if (low !== undefined) this.#cover(low, before - 1, messages);
    this.#settle();
  }

  /** Messages without a hole between `low` and `high`, from the cache. */
  addRun(low: number, high: number, messages: readonly Message[]): void {
    this.#cover(low, high, messages);
    this.#settle();
  }

  /** Forgets the oldest ones shown beyond so many; a tenth more may stay, so that it need not be done each time. */
  trim(max: number): void {
    const shown = this.#ranges[0];
    if (!shown || shown.high - shown.low + 1 <= max * 1.1) return;
    const low = shown.high - max + 1;
    for (let seq = shown.low; seq < low; seq++) this.#messages.delete(seq);
    shown.low = low;
  }

  /** The newest ones shown, at most so many, with the range they are all of. */
  tail(max: number): { low: number; high: number; messages: readonly Message[] } | null {
    const shown = this.#ranges[0];
    if (!shown) return null;
    const low = Math.max(shown.low, shown.high - max + 1);
    return { low, high: shown.high, messages: this.#collect(low, shown.high) };
  }

  #collect(low: number, high: number): Message[] {
    const found: Message[] = [];
    for (let seq = low; seq <= high; seq++) {
      const message = this.#messages.get(seq);
      if (message) found.push(message);
    }
    return found;
  }

  /** All of [`low`, `high`] is known, and these are the messages in it. Of what was known before, the newer version stays. */
  #cover(low: number, high: number, messages: readonly Message[]): void {
    if (high < low - 1 || low < 1) return;
    for (const message of messages) {
      const { seq } = message;
      if (seq < low || seq > high) continue;
      const known = this.covers(seq, seq) ? this.#messages.get(seq) : undefined;
      if (!this.covers(seq, seq)) this.#put(message);
      else if ((message.changeSeq ?? 0) > (known?.changeSeq ?? 0) || (known && this.#sent.has(known)))
        this.replace(message);
      // One's own was put here by an ack, which does not say how long it stays.
      else if (known && !known.gone && message.expiresAtMs !== known.expiresAtMs)
        this.replace({ ...known, expiresAtMs: message.expiresAtMs });
    }
    const merged = { low, high };
    const others: Range[] = [];
    for (const range of this.#ranges) {
      if (range.high < merged.low - 1 || range.low > merged.high + 1) {
        others.push(range);
      } else {
        merged.low = Math.min(merged.low, range.low);
        merged.high = Math.max(merged.high, range.high);
      }
    }
    const shown = this.#ranges[0];
    others.push(merged);
    this.#ranges = others.sort((a, b) => a.low - b.low);
    // Below what is shown there is nothing to build on: it would have to be fetched anyway.
    if (shown) {
      while (this.#ranges[0] && this.#ranges[0].high < shown.high) this.#drop(0);
    }
    this.setHead(high);
  }

  /** Jumps over a hole that is too long, and bounds what waits beyond one. */
  #settle(): void {
    const newest = this.#ranges.at(-1);
    if (
      this.#ranges.length > 1 &&
      newest &&
      newest.high >= this.#head &&
      this.#head - this.high > this.gapMax
    ) {
      while (this.#ranges.length > 1) this.#drop(0);
    }
    let ahead = this.#ranges.slice(1).reduce((sum, range) => sum + range.high - range.low + 1, 0);
    for (let last = this.#ranges.at(-1); this.#ranges.length > 1 && last && ahead > this.aheadMax; ) {
      const surplus = Math.min(ahead - this.aheadMax, last.high - last.low + 1);
      for (let seq = last.high - surplus + 1; seq <= last.high; seq++) this.#messages.delete(seq);
      last.high -= surplus;
      ahead -= surplus;
      if (last.high < last.low) this.#ranges.pop();
      last = this.#ranges.at(-1);
    }
  }

  #drop(index: number): void {
    const [range] = this.#ranges.splice(index, 1);
    for (let seq = range?.low ?? 1; range && seq <= range.high; seq++) this.#messages.delete(seq);
  }
}
