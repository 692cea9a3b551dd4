import type { StoredConversation } from "../core/conversation.js";
import type { OutboxEntry } from "../core/outbox.js";
import type { Changes, Meta, Restored, Storage } from "../core/storage.js";

const VERSION = 1;
const META = "meta";
const CONVERSATIONS = "conversations";
const OUTBOX = "outbox";

/** Keeps things in the browser, for all tabs of one origin. */
export class IndexedDbStorage implements Storage {
  readonly isKeeping = true;
  #opened: Promise<IDBDatabase> | null = null;

  constructor(readonly name: string) {}

  async load(): Promise<Restored> {
    const transaction = (await this.#open()).transaction([META, CONVERSATIONS, OUTBOX]);
    const [meta, conversations, outbox] = await Promise.all([
      result<Meta | undefined>(transaction.objectStore(META).get(META)),
      result<StoredConversation[]>(transaction.objectStore(CONVERSATIONS).getAll()),
      result<OutboxEntry[]>(transaction.objectStore(OUTBOX).getAll()),
    ]);
    return { meta: meta ?? null, conversations, outbox };
  }

  async outbox(): Promise<readonly OutboxEntry[]> {
    return result((await this.#open()).transaction([OUTBOX]).objectStore(OUTBOX).getAll());
  }

  write({ meta, put, remove }: Changes): Promise<void> {
    return this.#change([META, CONVERSATIONS], (transaction) => {
      transaction.objectStore(META).put(meta, META);
      const conversations = transaction.objectStore(CONVERSATIONS);
      for (const id of remove) conversations.delete(id);
      for (const stored of put) conversations.put(stored);
    });
  }

  putOutbox(entry: OutboxEntry): Promise<void> {
    return this.#change([OUTBOX], (transaction) => transaction.objectStore(OUTBOX).put(entry));
  }

  removeOutbox(localIds: readonly string[]): Promise<void> {
    return this.#change([OUTBOX], (transaction) => {
      for (const localId of localIds) transaction.objectStore(OUTBOX).delete(localId);
    });
  }

  clear(): Promise<void> {
    const all = [META, CONVERSATIONS, OUTBOX];
    return this.#change(all, (transaction) => {
      for (const store of all) transaction.objectStore(store).clear();
    });
  }

  close(): void {
    this.#opened?.then((database) => database.close()).catch(() => {});
    this.#opened = null;
  }

  async #change(stores: string[], fn: (transaction: IDBTransaction) => void): Promise<void> {
    const transaction = (await this.#open()).transaction(stores, "readwrite");
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    fn(transaction);
    return done;
  }

  #open(): Promise<IDBDatabase> {
    this.#opened ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(this.name, VERSION);
      request.onupgradeneeded = () => {
        const database = request.result;
        database.createObjectStore(META);
        database.createObjectStore(CONVERSATIONS, { keyPath: "id" });
        database.createObjectStore(OUTBOX, { keyPath: "localId" });
      };
      request.onsuccess = () => {
        const database = request.result;
        // Another tab wants to change or delete it: it may; the next call opens it anew.
        database.onversionchange = () => this.close();
        database.onclose = () => {
          this.#opened = null;
        };
        resolve(database);
      };
      request.onerror = () => {
        this.#opened = null;
        reject(request.error);
      };
    });
    return this.#opened;
  }
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
