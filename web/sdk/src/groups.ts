import type { Http, Schemas } from "./io/http.js";
import type { ConversationEntry, Group, GroupChange, GroupLink, Role } from "./types.js";

/** What a new link allows; what is absent is without a bound. */
export interface LinkBounds {
  /** How many may come in by it. */
  readonly usesMax?: number;
  /** How long it lets people in, ms. */
  readonly expiresInMs?: number;
}

/** Looking after groups. What was done is told to all members by the group's own messages. */
export class Groups {
  readonly #http: Http;
  readonly #take: (answer: Schemas["Conversation"]) => ConversationEntry;

  constructor(http: Http, take: (answer: Schemas["Conversation"]) => ConversationEntry) {
    this.#http = http;
    this.#take = take;
  }

  /** A group with its owner, admins and announcement. */
  async get(id: string): Promise<Group> {
    const group = await this.#http.call<Schemas["Group"]>("GET", pathOf(id));
    const { ownerId, silencedUntil, dissolvedAtMs, expiresInMs, ...rest } = group;
    return {
      ...rest,
      ...(ownerId && { ownerId }),
      ...(silencedUntil && { silencedUntil }),
      ...(dissolvedAtMs && { dissolvedAtMs }),
      ...(expiresInMs && { expiresInMs }),
    };
  }

  /** Changes what it shows, and who may speak. */
  change(id: string, change: GroupChange): Promise<void> {
    return this.#http.call("PATCH", pathOf(id), change);
  }

  setRole(id: string, userId: string, role: Exclude<Role, "owner">): Promise<void> {
    return this.#http.call("PUT", `${pathOf(id)}/members/${encodeURIComponent(userId)}/role`, { role });
  }

  /** Makes another member the owner; one is an admin then. */
  handOver(id: string, userId: string): Promise<void> {
    return this.#http.call("POST", `${pathOf(id)}/owner`, { userId });
  }

  /** Keeps a member from sending until then, ms since 1970; 0 = no longer. */
  mute(id: string, userId: string, until: number): Promise<void> {
    return this.#http.call("PUT", `${pathOf(id)}/members/${encodeURIComponent(userId)}/mute`, { until });
  }

  /** Ends it: from then on it can be read, and that is all. */
  dissolve(id: string): Promise<void> {
    return this.#http.call("DELETE", pathOf(id));
  }

  async links(id: string): Promise<readonly GroupLink[]> {
    const { links } = await this.#http.call<Schemas["GroupLinks"]>("GET", `${pathOf(id)}/links`);
    return links.map(linkOf);
  }

  /** A link and its token: who has it can join. It is told this once. */
  async makeLink(id: string, bounds: LinkBounds = {}): Promise<{ link: GroupLink; token: string }> {
    const answer = await this.#http.call<Schemas["CreatedGroupLink"]>("POST", `${pathOf(id)}/links`, bounds);
    return { token: answer.token, link: linkOf(answer.link) };
  }

  revokeLink(id: string, linkId: string): Promise<void> {
    return this.#http.call("DELETE", `${pathOf(id)}/links/${encodeURIComponent(linkId)}`);
  }

  /** Comes in by a link; who is in already gets the group all the same. */
  async join(token: string): Promise<ConversationEntry> {
    return this.#take(await this.#http.call("POST", "/api/groups/join", { token }));
  }
}

function pathOf(id: string): string {
  return `/api/groups/${encodeURIComponent(id)}`;
}

function linkOf({ usesMax, expiresAtMs, ...link }: Schemas["GroupLink"]): GroupLink {
  return {
    ...link,
    ...(typeof usesMax === "number" && { usesMax }),
    ...(typeof expiresAtMs === "number" && { expiresAtMs }),
  };
}
