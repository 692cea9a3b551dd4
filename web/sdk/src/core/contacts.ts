import type { Contact, UserEvent } from "../types.js";

/** What is between oneself and others, by their ids. */
export type Ties = ReadonlyMap<string, Contact>;

/** Lists as they are after an event. The same map when the event changes nothing of them. */
export function afterEvent(ties: Ties, event: UserEvent): Ties {
  const { kind, data, atMs } = event;
  const user = data.user as Contact["user"] | undefined;
  if (typeof user?.id !== "string") return ties;
  const {
    message: _,
    expiresAtMs: __,
    ...known
  } = ties.get(user.id) ?? {
    state: "none" as const,
    blocked: false,
    remark: "",
  };
  const tie = { ...known, user, sinceMs: atMs };
  switch (kind) {
    case "contact_requested": {
      const state = data.direction === "out" ? "asked" : "asking";
      const expiresAtMs = typeof data.expiresAtMs === "number" ? data.expiresAtMs : undefined;
      return put(ties, {
        ...tie,
        state,
        message: textOf(data.message),
        ...(expiresAtMs !== undefined && { expiresAtMs }),
      });
    }
    case "contact_added":
      return put(ties, { ...tie, state: "contact" });
    case "contact_refused":
    case "contact_withdrawn":
    case "contact_removed":
      return put(ties, { ...tie, state: "none", remark: "" });
    case "contact_changed":
      return put(ties, { ...tie, ...ties.get(user.id), remark: textOf(data.remark) });
    case "block_changed":
      return put(ties, { ...tie, ...ties.get(user.id), blocked: data.blocked === true });
    default:
      return ties;
  }
}

/** With what one holds of somebody now; nothing need be kept of strangers. */
export function put(ties: Ties, contact: Contact): Ties {
  const now = new Map(ties);
  if (contact.state === "none" && !contact.blocked) now.delete(contact.user.id);
  else now.set(contact.user.id, contact);
  return now;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
