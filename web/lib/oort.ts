/** The one door to the SDK: what the client uses of it, by name. */
import type { createClient } from "@oort/sdk";

export type {
  AccountInfo,
  Attachment,
  Change,
  Connection,
  Contact,
  ContentKind,
  ConversationEntry,
  Cursors,
  Draft,
  Extras,
  FoundMessage,
  FoundMessages,
  Group,
  GroupLink,
  LogInSession,
  LogItem,
  LogView,
  Me,
  Member,
  Message,
  Person,
  Presence,
  Privacy,
  Profile,
  Quote,
  Readers,
  Role,
  Store,
  StoredFile,
  SystemEvent,
  User,
} from "@oort/sdk";
export type Client = ReturnType<typeof createClient>;
export type Conversation = ReturnType<Client["conversation"]>;

/** The stable code of a refusal, and what the server says of it. */
export interface Refusal {
  code: string;
  message: string;
  retryAfterMs?: number;
}

/** What a promise of the SDK was refused with. */
export function refusalOf(error: unknown): Refusal {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string") {
    const { code } = error;
    const message = "message" in error && typeof error.message === "string" ? error.message : code;
    const retryAfterMs =
      "retryAfterMs" in error && typeof error.retryAfterMs === "number" ? error.retryAfterMs : undefined;
    return { code, message, retryAfterMs };
  }
  return { code: "unreachable", message: error instanceof Error ? error.message : String(error) };
}
