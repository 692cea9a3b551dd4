export { Client, type ConversationHandle, createClient } from "./client.js";
export type { Contacts } from "./contacts.js";
export { OortError } from "./error.js";
export { DEFAULT_LIMITS } from "./limits.js";
export type * from "./types.js";
