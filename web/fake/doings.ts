/** What the stand-in's user can do beside talking: contacts, groups, and the account. Nothing of it outlives the page. */
import type {
  AccountInfo,
  Contact,
  FoundMessage,
  Group,
  GroupLink,
  Message,
  Privacy,
  Profile,
  Store,
  StoredFile,
  UploadOptions,
  User,
} from "@oort/sdk";

/** A store that says the same for ever. */
function fixed<T>(value: T): Store<T> {
  return { get: () => value, subscribe: () => () => {} };
}

export function contactsOf(others: readonly User[]) {
  const tie = (user: User, state: Contact["state"], message = ""): [string, Contact] => [
    user.id,
    { user, state, blocked: false, remark: "", message, sinceMs: 0 },
  ];
  const [bob, carol, dave] = others;
  const all = new Map<string, Contact>([
    ...(bob ? [tie(bob, "contact")] : []),
    ...(carol ? [tie(carol, "asking", "For the sailing days")] : []),
    ...(dave ? [tie(dave, "asked")] : []),
  ]);
  let privacy: Privacy = {
    findByName: "everyone",
    findByEmail: "contacts",
    findById: "nobody",
    sendReceipts: true,
    invisible: false,
  };
  const done = async () => {};
  return {
    all: fixed<ReadonlyMap<string, Contact> | null>(all),
    request: done,
    accept: done,
    refuse: done,
    withdraw: done,
    remark: done,
    remove: done,
    block: done,
    privacy: async () => privacy,
    setPrivacy: async (next: Privacy) => {
      privacy = next;
      return privacy;
    },
  };
}

export function groupsOf(me: User) {
  let links: GroupLink[] = [{ id: "1", creator: me, createdAtMs: Date.now() - 3_600_000, uses: 3 }];
  const done = async () => {};
  return {
    get: async (id: string): Promise<Group> => ({
      id,
      name: "Launch",
      creatorId: me.id,
      ownerId: me.id,
      adminIds: ["3"],
      members: 4,
      announcement: "At the pier at six. https://example.org/tides",
      avatar: "",
      muteAll: false,
      role: "owner",
    }),
    change: done,
    setRole: done,
    handOver: done,
    mute: done,
    dissolve: done,
    links: async () => links,
    makeLink: async (_id: string, { expiresInMs }: { expiresInMs?: number }) => {
      const link = { id: `${links.length + 1}`, creator: me, createdAtMs: Date.now(), uses: 0 };
      const made = expiresInMs === undefined ? link : { ...link, expiresAtMs: Date.now() + expiresInMs };
      links = [...links, made];
      return { token: "only-for-looking-at", link: made };
    },
    revokeLink: async (_id: string, linkId: string) => {
      links = links.filter(({ id }) => id !== linkId);
    },
    join: async (_token: string) => ({ id: "12" }),
  };
}

export function accountOf(me: User) {
  let profile: Profile = { nick: "Annie", avatar: "", sex: "female", description: "Likes long walks." };
  const info = (): AccountInfo => ({ user: me, profile, createdAtMs: 0, email: "ann@example.org" });
  return {
    info: async () => info(),
    changeProfile: async (change: Partial<Profile>) => {
      profile = { ...profile, ...change };
      return info();
    },
    changePassword: async (_old: string, _next: string) => {},
    askCode: async (_purpose: "sign_up" | "reset", _email: string) => Date.now() + 600_000,
    resetPassword: async (_reset: { email: string; code: string; password: string }) => {},
  };
}

/** Messages with these letters in them; the server looks for whole words. */
export function foundIn(conversationId: string, messages: readonly Message[], query: string): FoundMessage[] {
  return messages.flatMap((message) => {
    const at = message.content.toLowerCase().indexOf(query.toLowerCase());
    return at < 0 ? [] : [{ conversationId, message, ranges: [[at, at + query.length]] as const }];
  });
}

export function filesOf() {
  return {
    async upload(file: File, { onProgress }: UploadOptions = {}): Promise<StoredFile> {
      for (let part = 0; part <= 10; part++) {
        onProgress?.((file.size * part) / 10, file.size);
        await new Promise((done) => setTimeout(done, 150));
      }
      const { name, size } = file;
      const about = { id: "1", name, size, offset: size, partBytes: size, createdAtMs: Date.now() };
      return { ...about, state: "ready", mime: file.type, hasThumbnail: false };
    },
    async remove(_id: string) {},
  };
}
