import type { Restored, Storage } from "../core/storage.js";

/** Keeps nothing: what a client knows lives as long as the client. */
export class NoStorage implements Storage {
  readonly isKeeping = false;
  async load(): Promise<Restored> {
    return { meta: null, conversations: [], outbox: [] };
  }
  async outbox(): Promise<readonly never[]> {
    return [];
  }
  async write(): Promise<void> {}
  async putOutbox(): Promise<void> {}
  async removeOutbox(): Promise<void> {}
  async clear(): Promise<void> {}
  close(): void {}
}
