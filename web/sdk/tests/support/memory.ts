import type { StoredConversation } from "../../src/core/conversation.js";
import type { OutboxEntry } from "../../src/core/outbox.js";
import type { Changes, Meta, Restored, Storage } from "../../src/core/storage.js";

/** Keeps things for clients of one test. */
export class MemoryStorage implements Storage {
  readonly isKeeping = true;
  #meta: Meta | null = null;
  readonly #conversations = new Map<string, StoredConversation>();
  readonly #outbox = new Map<string, OutboxEntry>();

  async load(): Promise<Restored> {
    return {
      meta: this.#meta,
      conversations: [...this.#conversations.values()],
      outbox: [...this.#outbox.values()],
    };
  }

  async outbox(): Promise<readonly OutboxEntry[]> {
    return [...this.#outbox.values()];
  }

  async write({ meta, put, remove }: Changes): Promise<void> {
    this.#meta = meta;
    for (const id of remove) this.#conversations.delete(id);
    for (const stored of put) this.#conversations.set(stored.id, stored);
  }

  async putOutbox(entry: OutboxEntry): Promise<void> {
    this.#outbox.set(entry.localId, entry);
  }

  async removeOutbox(localIds: readonly string[]): Promise<void> {
    for (const localId of localIds) this.#outbox.delete(localId);
  }

  async clear(): Promise<void> {
    this.#meta = null;
    this.#conversations.clear();
    this.#outbox.clear();
  }

  close(): void {}
}
