import type { FrameLimits } from "../limits.js";
import type { Me } from "../types.js";
import type { StoredConversation } from "./conversation.js";
import type { OutboxEntry } from "./outbox.js";

export interface Meta {
  readonly me: Me | null;
  /** What the last hello gave, for the next one. */
  readonly since: string | null;
  /** Of frames, as the last full hello said them. */
  readonly limits: FrameLimits;
  /** The user's events up to this one were told; absent in what older clients kept. */
  readonly eventSeq?: number | null;
}

export interface Restored {
  readonly meta: Meta | null;
  readonly conversations: readonly StoredConversation[];
  readonly outbox: readonly OutboxEntry[];
}

/** One consistent change of the cache. */
export interface Changes {
  readonly meta: Meta;
  readonly put: readonly StoredConversation[];
  readonly remove: readonly string[];
}

/** Where the cache and the outbox are kept. */
export interface Storage {
  /** `false`: what is written is gone at once, so that nothing need be. */
  readonly isKeeping: boolean;
  load(): Promise<Restored>;
  outbox(): Promise<readonly OutboxEntry[]>;
  write(changes: Changes): Promise<void>;
  putOutbox(entry: OutboxEntry): Promise<void>;
  removeOutbox(localIds: readonly string[]): Promise<void>;
  clear(): Promise<void>;
  close(): void;
}
