import { OortError } from "../error.js";
import { batch } from "../stores.js";
import type { Conversation } from "./conversation.js";
import { type Host, isInterruption, isRetryable } from "./host.js";
import { fromWire } from "./wire.js";

/** Pause after a page that brought nothing, ms. */
const PAUSE_MS = 1000;

/** Fetches what logs lack: few pages at a time, what is on screen first. */
export class Pages {
  readonly #host: Host;
  /** Conversations that lack messages, and the time before which it is not asked for them again. */
  readonly #needy = new Map<string, number>();
  readonly #fetching = new Set<string>();
  readonly #older = new Map<string, Promise<boolean>>();

  constructor(
    host: Host,
    readonly isOnScreen: (id: string) => boolean,
  ) {
    this.#host = host;
  }

  isLoading(id: string): boolean {
    return this.#fetching.has(id) || this.#older.has(id);
  }

  /** A log has changed: it may lack something, or not any more. */
  noted({ id, log }: Conversation): void {
    if (!log.need) {
      this.#needy.delete(id);
      return;
    }
    if (!this.#needy.has(id)) this.#needy.set(id, 0);
    this.pump();
  }

  forget(id: string): void {
    this.#needy.delete(id);
  }

  /** All waits are over. */
  reset(): void {
    this.#needy.clear();
  }

  /** Asks for as much as may be under way. */
  pump(): void {
    const { isReady, limits, conversations, timers } = this.#host;
    if (!isReady) return;
    const now = Date.now();
    let wakeAtMs = Number.POSITIVE_INFINITY;
    const ids = [...this.#needy.keys()];
    ids.sort((a, b) => Number(this.isOnScreen(b)) - Number(this.isOnScreen(a)));
    for (const id of ids) {
      if (this.#fetching.size >= limits.pagesInFlightMax) break;
      const notBeforeMs = this.#needy.get(id) ?? 0;
      const conversation = conversations.get(id);
      if (!conversation || this.#fetching.has(id)) continue;
      if (notBeforeMs > now) wakeAtMs = Math.min(wakeAtMs, notBeforeMs);
      else void this.#fetch(conversation);
    }
    if (wakeAtMs < Number.POSITIVE_INFINITY) timers.soon("pages", wakeAtMs - now, () => this.pump());
  }

  /** Fetches one page of older messages; one at a time per conversation. */
  older(conversation: Conversation): Promise<boolean> {
    const { id } = conversation;
    let older = this.#older.get(id);
    if (!older) {
      older = this.#fetchOlder(conversation).finally(() => {
        this.#older.delete(id);
        this.#host.changed(id);
      });
      this.#older.set(id, older);
      this.#host.changed(id);
    }
    return older;
  }

  async #fetch(conversation: Conversation): Promise<void> {
    const { id, log } = conversation;
    const { need } = log;
    if (!need) return;
    this.#fetching.add(id);
    this.#host.changed(id);
    let waitMs = 0;
    try {
      const page = await this.#ask(id, need.kind === "after" ? { afterSeq: need.seq } : {});
      const messages = page.messages.map(fromWire);
      if (need.kind === "after") log.addAfter(need.seq, messages, page.hasMoreMessages, page.head);
      else log.addNewest(messages, page.hasMoreMessages, page.head);
      this.#host.stored(messages);
      conversation.changes.rewind(page.changeSeq ?? 0);
      if (messages.length === 0) waitMs = PAUSE_MS;
    } catch (error) {
      if (!(error instanceof OortError)) throw error;
      // What is refused for good is not asked for before the next hello.
      const mayGoThrough = isRetryable(error) || isInterruption(error);
      waitMs = mayGoThrough ? (error.retryAfterMs ?? PAUSE_MS) : Number.POSITIVE_INFINITY;
    } finally {
      batch(() => {
        this.#fetching.delete(id);
        if (this.#host.conversations.get(id) === conversation) {
          if (waitMs > 0) this.#needy.set(id, Date.now() + waitMs);
          this.#host.advance(conversation);
        }
        this.#host.changed(id);
        this.pump();
      });
    }
  }

  async #fetchOlder(conversation: Conversation): Promise<boolean> {
    const { id, log } = conversation;
    if (!log.isEmpty && !log.hasOlder) return false;
    const before = log.isEmpty ? null : log.low;
    const page = await this.#ask(id, before === null ? {} : { firstMessageId: `${id}-${before}` });
    batch(() => {
      const messages = page.messages.map(fromWire);
      if (before === null) log.addNewest(messages, page.hasMoreMessages, page.head);
      else log.addBefore(before, messages, page.hasMoreMessages);
      this.#host.stored(messages);
      // What changed while the page was on its way is not in it.
      conversation.changes.rewind(page.changeSeq ?? 0);
      if (this.#host.conversations.get(id) === conversation) this.#host.advance(conversation);
    });
    return log.hasOlder;
  }

  async #ask(roomId: string, from: { afterSeq?: number; firstMessageId?: string }) {
    const { limits, frameLimits, requests } = this.#host;
    const count = Math.min(limits.pageSize, frameLimits.historyCountMax);
    const page = await requests.ask("requestRoomHistory", { roomId, ...from, count });
    if (page.type !== "serverRoomHistory") throw new OortError("internal", `${page.type} is no answer`);
    return page.payload;
  }
}
