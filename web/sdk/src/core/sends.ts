import { OortError } from "../error.js";
import type { SendAck } from "../generated/oort_v1.js";
import { TIMES } from "../limits.js";
import { batch } from "../stores.js";
import type { Draft, Extras, Failure, Message, User } from "../types.js";
import { type Host, isInterruption, isRetryable } from "./host.js";
import { Outbox, type OutboxEntry } from "./outbox.js";
import { uniqueId } from "./random.js";
import { draftToWire, quoted } from "./wire.js";

/** Sends what is in the outbox, and keeps it until it is stored. */
export class Sends {
  readonly outbox: Outbox;
  readonly #host: Host;
  #lastMs = 0;

  constructor(host: Host) {
    this.#host = host;
    this.outbox = new Outbox(host.limits.outboxMax);
  }

  send(conversationId: string, message: string | Draft): string {
    const draft: Draft = typeof message === "string" ? { content: message } : message;
    const { content } = draft;
    if (content === "" && !draft.attachment)
      throw new OortError("invalid_field", "a message needs a text or an attachment");
    const extras = this.#extras(conversationId, draft);
    const { expiresInMs } = draft;
    // Each later than the one before: kept ones are put in order by it.
    this.#lastMs = Math.max(Date.now(), this.#lastMs + 1);
    const { tab: owner, frameLimits } = this.#host;
    const entry: OutboxEntry = {
      localId: uniqueId(),
      conversationId,
      content,
      ...(Object.keys(extras).length > 0 && { extras }),
      ...(expiresInMs && { expiresInMs }),
      atMs: this.#lastMs,
      owner,
    };
    this.outbox.add(entry);
    const bytes = new TextEncoder().encode(content).length;
    const max = frameLimits.contentBytesMax;
    batch(() => {
      if (bytes > max) {
        const message = `the text has ${bytes} bytes, at most ${max} are taken`;
        this.#failed(entry.localId, { code: "too_large", message });
      } else {
        this.#put(entry);
        this.flush();
      }
      this.#host.changed(conversationId);
    });
    return entry.localId;
  }

  #extras(conversationId: string, draft: Draft): Extras {
    const { contentKind, attachment, replyTo, mentions, mentionsAll } = draft;
    const answered =
      replyTo === undefined ? undefined : this.#host.conversations.get(conversationId)?.log.at(replyTo);
    return {
      ...(contentKind && contentKind !== "text" && { contentKind }),
      ...(attachment && { attachment }),
      // One that is not here is quoted without its text until the server has said it.
      ...(replyTo !== undefined && {
        reply: answered ? quoted(answered) : { seq: replyTo, contentKind: "text" as const, content: "" },
      }),
      ...(mentions && mentions.length > 0 && { mentions: [...mentions] }),
      ...(mentionsAll && { mentionsAll }),
    };
  }

  retry(localId: string): void {
    const entry = this.outbox.retry(localId);
    if (!entry) return;
    batch(() => {
      this.#put(entry);
      this.flush();
      this.#host.changed(entry.conversationId);
    });
  }

  discard(conversationId: string, localId: string): void {
    if (!this.outbox.discard(localId)) return;
    this.#remove(localId);
    this.#host.changed(conversationId);
  }

  /** Takes over what a tab has left that is gone. */
  adopt(entries: readonly OutboxEntry[]): void {
    batch(() => {
      for (const entry of entries) {
        const mine = { ...entry, owner: this.#host.tab };
        this.outbox.adopt(mine);
        this.#put(mine);
        this.#host.changed(entry.conversationId);
      }
      this.flush();
    });
  }

  /** Sends what can be sent now. */
  flush(): void {
    const host = this.#host;
    if (!host.isReady) return;
    const now = Date.now();
    for (const { conversationId, entries } of this.outbox.take(now, host.frameLimits)) {
      const messages = entries.map(({ localId, content, extras, expiresInMs }) =>
        draftToWire(localId, content, extras, expiresInMs),
      );
      const refused = (error: OortError) => {
        // A way that broke is told by `interrupted`, silence is noticed by `tick`.
        if (isInterruption(error)) return;
        batch(() => {
          for (const { localId } of entries) this.#refused(localId, error);
          host.changed(conversationId);
          this.flush();
        });
      };
      host.requests.ask("clientMessages", { roomId: conversationId, messages }).catch(refused);
      host.changed(conversationId);
    }
    const wakeAtMs = this.outbox.wakeAtMs(now);
    if (wakeAtMs < Number.POSITIVE_INFINITY) {
      host.timers.soon("outbox", wakeAtMs - now, () => batch(() => this.flush()));
    }
  }

  /** Takes the server's answer. Returns what is stored now. */
  acked({ roomId, results }: SendAck["payload"], me: User | null): Message[] {
    const messages: Message[] = [];
    const staysMs = this.#host.conversations.get(roomId)?.shared.expiresInMs ?? Number.POSITIVE_INFINITY;
    for (const result of results) {
      const clientMsgId = result.clientMsgId;
      if (clientMsgId === undefined || !this.outbox.has(clientMsgId)) continue;
      if ("error" in result) {
        this.#refused(clientMsgId, result.error);
        continue;
      }
      const { seq, id, timestamp: atMs } = result;
      const entry = this.stored(clientMsgId, seq);
      if (!entry || !me) continue;
      const sender = { id: me.id, username: me.username };
      const { content, extras, expiresInMs } = entry;
      const message: Message = { kind: "message", id, seq, sender, content, ...extras, atMs, clientMsgId };
      // As the server reckons it; its own frame says it too.
      const inMs = Math.min(expiresInMs ?? Number.POSITIVE_INFINITY, staysMs);
      messages.push(Number.isFinite(inMs) ? { ...message, expiresAtMs: atMs + inMs } : message);
    }
    return messages;
  }

  /** It is stored under this seq: nothing need be kept of it. */
  stored(localId: string, seq: number): OutboxEntry | undefined {
    const entry = this.outbox.stored(localId, seq);
    if (entry) this.#remove(localId);
    return entry;
  }

  /** What is under way may be lost. */
  interrupted(): void {
    const waiting = this.outbox.conversations();
    this.outbox.interrupted();
    for (const id of waiting) this.#host.changed(id);
  }

  /** Sends again what had no answer for long. */
  tick(): void {
    if (!this.#host.isReady || !this.outbox.isWaiting) return;
    this.outbox.interrupted(Date.now() - 2 * TIMES.answerMs);
    batch(() => this.flush());
  }

  #refused(localId: string, error: Failure & { retryAfterMs?: number | undefined }): void {
    const { code, message } = error;
    if (!isRetryable(error)) return this.#failed(localId, { code, message });
    const attempts = Math.min(this.outbox.attempts(localId), 6);
    const waitMs = Math.max(error.retryAfterMs ?? 0, TIMES.backoffMinMs * 2 ** attempts);
    this.outbox.postponed(localId, Date.now() + waitMs * (1 + Math.random() / 2));
  }

  #failed(localId: string, failure: Failure): void {
    const entry = this.outbox.failed(localId, failure);
    if (entry) this.#put(entry);
    this.#host.events.emit("error", failure);
  }

  #put(entry: OutboxEntry): void {
    const { keep, storage } = this.#host;
    void keep(storage.putOutbox(entry));
  }

  #remove(localId: string): void {
    const { keep, storage } = this.#host;
    void keep(storage.removeOutbox([localId]));
  }
}
