import { OortError } from "../error.js";
import type { FrameLimits } from "../limits.js";
import type { Extras, Failure, Pending } from "../types.js";
import { draftToWire } from "./wire.js";

/** What is kept of a send until it is stored. */
export interface OutboxEntry {
  /** Also the `clientMsgId`: the same for every attempt. */
  readonly localId: string;
  readonly conversationId: string;
  readonly content: string;
  /** Absent: a text and nothing else. */
  readonly extras?: Extras;
  /** How long it is to stay; absent: as long as the conversation says. */
  readonly expiresInMs?: number;
  readonly atMs: number;
  /** The tab that took it. */
  readonly owner: string;
  readonly error?: Failure;
}

interface Slot {
  entry: OutboxEntry;
  isInFlight: boolean;
  sentAtMs: number;
  /** Not to be tried before. */
  notBeforeMs: number;
  attempts: number;
  /** Stored under this seq, and still to be shown there. */
  storedSeq: number;
}

export interface Batch {
  readonly conversationId: string;
  readonly entries: readonly OutboxEntry[];
}

/** Room for the frame around the messages, and for each message beside its text. */
const FRAME_BYTES = 256;
const ENCODER = new TextEncoder();

/** Messages of one's own on their way: at most one frame per conversation is under way, so that their order holds. */
export class Outbox {
  /** In the order of sending. */
  #slots = new Map<string, Slot>();

  constructor(readonly max: number) {}

  get size(): number {
    return this.#slots.size;
  }

  has(localId: string): boolean {
    return this.#slots.has(localId);
  }

  add(entry: OutboxEntry): void {
    if (this.#slots.size >= this.max) {
      throw new OortError("outbox_full", `${this.max} messages wait to be sent; wait, or discard some`);
    }
    this.#put(entry);
  }

  /** Takes one that was kept, whatever the bound: it was counted when it was taken first. */
  adopt(entry: OutboxEntry): void {
    if (this.#slots.has(entry.localId)) return;
    this.#put(entry);
    this.#slots = new Map([...this.#slots].sort(([, a], [, b]) => a.entry.atMs - b.entry.atMs));
  }

  #put(entry: OutboxEntry): void {
    this.#slots.set(entry.localId, {
      entry,
      isInFlight: false,
      sentAtMs: 0,
      notBeforeMs: 0,
      attempts: 0,
      storedSeq: 0,
    });
  }

  /** What to send now; it counts as under way from here on. */
  take(nowMs: number, limits: FrameLimits): Batch[] {
    const busy = new Set<string>();
    for (const { entry, isInFlight } of this.#slots.values()) if (isInFlight) busy.add(entry.conversationId);
    const batches = new Map<string, { bytes: number; slots: Slot[] }>();
    for (const slot of this.#slots.values()) {
      const { entry } = slot;
      if (entry.error || slot.storedSeq > 0 || busy.has(entry.conversationId)) continue;
      if (slot.notBeforeMs > nowMs) {
        // Those after it wait too: they are to come after it.
        busy.add(entry.conversationId);
        continue;
      }
      const batch = batches.get(entry.conversationId) ?? {
        bytes: FRAME_BYTES,
        slots: [],
      };
      const bytes =
        ENCODER.encode(
          JSON.stringify(draftToWire(entry.localId, entry.content, entry.extras, entry.expiresInMs)),
        ).length + FRAME_BYTES;
      const isFull =
        batch.slots.length >= limits.messagesPerFrameMax || batch.bytes + bytes > limits.frameBytesMax;
      if (isFull && batch.slots.length > 0) {
        busy.add(entry.conversationId);
        continue;
      }
      batch.bytes += bytes;
      batch.slots.push(slot);
      batches.set(entry.conversationId, batch);
    }
    return [...batches].map(([conversationId, { slots }]) => {
      for (const slot of slots) {
        slot.isInFlight = true;
        slot.sentAtMs = nowMs;
        slot.attempts++;
      }
      return { conversationId, entries: slots.map(({ entry }) => entry) };
    });
  }

  /** It is stored. It is still pending until its place in the log is on show. Returns what was sent. */
  stored(localId: string, seq: number): OutboxEntry | undefined {
    const slot = this.#slots.get(localId);
    if (!slot || slot.storedSeq > 0) return undefined;
    slot.isInFlight = false;
    slot.storedSeq = seq;
    return slot.entry;
  }

  /** Forgets what is stored and on show. */
  shown(conversationId: string, high: number): void {
    for (const [localId, { entry, storedSeq }] of this.#slots) {
      if (storedSeq > 0 && storedSeq <= high && entry.conversationId === conversationId)
        this.#slots.delete(localId);
    }
  }

  /** The server would not take it now: again after `waitMs`. */
  postponed(localId: string, untilMs: number): void {
    const slot = this.#slots.get(localId);
    if (!slot || slot.storedSeq > 0) return;
    slot.isInFlight = false;
    slot.notBeforeMs = untilMs;
  }

  /** The server will never take it. Returns it as it is to be kept. */
  failed(localId: string, error: Failure): OutboxEntry | undefined {
    const slot = this.#slots.get(localId);
    if (!slot || slot.storedSeq > 0) return undefined;
    slot.isInFlight = false;
    slot.entry = { ...slot.entry, error };
    return slot.entry;
  }

  /** What is under way may be lost: it is sent again. */
  interrupted(sentBeforeMs = Number.POSITIVE_INFINITY): void {
    for (const slot of this.#slots.values()) if (slot.sentAtMs < sentBeforeMs) slot.isInFlight = false;
  }

  /** Tries a failed one again. Returns it as it is to be kept. */
  retry(localId: string): OutboxEntry | undefined {
    const slot = this.#slots.get(localId);
    if (!slot?.entry.error) return undefined;
    const { error: _, ...entry } = slot.entry;
    slot.entry = entry;
    slot.notBeforeMs = 0;
    return entry;
  }

  /** Forgets it. One that is under way may be stored all the same. */
  discard(localId: string): boolean {
    return this.#slots.delete(localId);
  }

  attempts(localId: string): number {
    return this.#slots.get(localId)?.attempts ?? 0;
  }

  /** When the next one may be sent that waits for its time. */
  wakeAtMs(nowMs: number): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { entry, notBeforeMs, storedSeq } of this.#slots.values()) {
      if (!entry.error && storedSeq === 0 && notBeforeMs > nowMs) at = Math.min(at, notBeforeMs);
    }
    return at;
  }

  /** Something waits for an answer. */
  get isWaiting(): boolean {
    for (const { isInFlight } of this.#slots.values()) if (isInFlight) return true;
    return false;
  }

  pending(conversationId: string): Pending[] {
    const found: Pending[] = [];
    for (const { entry, isInFlight, storedSeq } of this.#slots.values()) {
      if (entry.conversationId !== conversationId) continue;
      const { localId, content, extras, atMs, error } = entry;
      const state = error ? "failed" : isInFlight || storedSeq > 0 ? "sending" : "queued";
      found.push({
        kind: "pending",
        localId,
        content,
        ...extras,
        atMs,
        state,
        ...(error && { error }),
      });
    }
    return found;
  }

  conversations(): Set<string> {
    return new Set([...this.#slots.values()].map(({ entry }) => entry.conversationId));
  }

  clear(): void {
    this.#slots.clear();
  }
}
