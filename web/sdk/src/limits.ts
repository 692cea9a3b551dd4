import type { Limits } from "./types.js";

/** Every bound of the SDK with its default. */
export const DEFAULT_LIMITS: Limits = {
  logOpenMax: 5000,
  logClosedMax: 200,
  cachedMessagesMax: 100,
  gapMax: 1000,
  aheadMax: 1000,
  pageSize: 100,
  pagesInFlightMax: 4,
  outboxMax: 500,
};

/** What a server allows in a client's frames, until `hello` says it. */
export const DEFAULT_FRAME_LIMITS = {
  frameBytesMax: 65536,
  messagesPerFrameMax: 64,
  contentBytesMax: 8192,
  historyCountMax: 100,
};

export type FrameLimits = typeof DEFAULT_FRAME_LIMITS;

/** Times of the connection, ms. */
export const TIMES = {
  /** Longest wait for what was kept, before it is done without. */
  restoreMs: 3_000,
  /** From the start of an attempt to `hello`. */
  connectMs: 15_000,
  /** Silence after which the way is tried with a ping. */
  silenceMs: 25_000,
  /** Longest wait for a sign of life after a ping. */
  pongMs: 10_000,
  /** The same after sleep or a change of network, when the way is probably gone. */
  wakePongMs: 4_000,
  /** A lost connection that is back within this time is not shown as lost. */
  graceMs: 2_000,
  /** A connection that held for so long was a good one: the next wait begins small again. */
  stableMs: 10_000,
  /** First wait between attempts; doubles. */
  backoffMinMs: 500,
  /** Longest wait between attempts. */
  backoffMaxMs: 30_000,
  /** How often silence, sleep and overdue answers are looked for. */
  tickMs: 5_000,
  /** Longest wait for the answer to a frame. */
  answerMs: 15_000,
  /** Longest wait for the answer to an HTTP request. */
  httpMs: 30_000,
  /** The same for a part of a file, on a slow way. */
  uploadPartMs: 120_000,
  /** Somebody who typed is forgotten after this. */
  typingMs: 6_000,
  /** "I am typing" is repeated no sooner. */
  typingRepeatMs: 3_000,
  /** Frames about typing in one room that follow sooner are dropped by servers. */
  typingGapMs: 2_100,
  /** Cursors moved within this time travel together. */
  cursorMs: 400,
  /** The same for what was delivered to a group. */
  deliveredMs: 5_000,
  /** Changes to what is watched within this time travel together. */
  watchMs: 50,
  /** Longest time slept until messages end; browsers take no more than 24 days. */
  sleepMaxMs: 30_000,
  /** Changes within this time are written to the cache together. */
  flushMs: 300,
  /** An access token that ends sooner is renewed before it is used. */
  tokenMarginMs: 30_000,
  /** Longest wait for what other tabs have, before a token is renewed. */
  askTokensMs: 200,
} as const;

/** What `watch` may name. */
export const WATCH = { roomsMax: 4, usersMax: 100 } as const;
