import type { FrameLimits } from "../limits.js";
import type { Limits, Message } from "../types.js";
import type { Conversation } from "./conversation.js";
import type { Emitter } from "./emitter.js";
import type { Requests } from "./requests.js";
import type { Storage } from "./storage.js";
import type { Timers } from "./timers.js";

/** What the parts of an engine share. */
export interface Host {
  readonly tab: string;
  readonly limits: Limits;
  readonly frameLimits: FrameLimits;
  /** The server has said hello. */
  readonly isReady: boolean;
  readonly conversations: ReadonlyMap<string, Conversation>;
  readonly requests: Requests;
  readonly timers: Timers;
  readonly events: Emitter;
  readonly storage: Storage;
  /** What a conversation shows has changed. */
  changed(id: string): void;
  /** Its log has changed. */
  advance(conversation: Conversation): void;
  /** These are stored: one's own among them need not be sent any more. */
  stored(messages: readonly Message[]): void;
  /** Says so when something could not be kept. */
  keep(done: Promise<unknown>): Promise<unknown>;
}

const RETRYABLE = new Set(["rate_limited", "overloaded", "unavailable", "draining", "internal"]);

/** The same may go through later. */
export function isRetryable(error: { code: string; retryAfterMs?: number | undefined }): boolean {
  return error.retryAfterMs !== undefined || RETRYABLE.has(error.code);
}

/** The connection broke, or was silent. */
export function isInterruption({ code }: { code: string }): boolean {
  return code === "offline" || code === "timeout";
}
