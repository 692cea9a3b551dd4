import type { Contact } from "./oort";

/** A contact's name, or what the reader calls them. */
export function nameOf({ user, remark }: Contact): string {
  return remark || user.username;
}

/** Who is who, each in the order in which they are listed. */
export interface People {
  /** They asked the reader; the newest first. */
  asking: readonly Contact[];
  /** The reader asked them; the newest first. */
  asked: readonly Contact[];
  /** By name. */
  contacts: readonly Contact[];
  blocked: readonly Contact[];
}

/** Requests that have ended by `nowMs` are none any more; nothing tells when that happens. */
export function sorted(all: Iterable<Contact>, nowMs: number): People {
  const people = [...all];
  const open = (state: Contact["state"]) =>
    people
      .filter((one) => one.state === state && (one.expiresAtMs ?? Number.POSITIVE_INFINITY) > nowMs && !one.blocked)
      .sort((a, b) => b.sinceMs - a.sinceMs);
  const byName = (a: Contact, b: Contact) => nameOf(a).localeCompare(nameOf(b));
  return {
    asking: open("asking"),
    asked: open("asked"),
    contacts: people.filter(({ state }) => state === "contact").sort(byName),
    blocked: people.filter(({ blocked }) => blocked).sort(byName),
  };
}
