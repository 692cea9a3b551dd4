/**
 * A stand-in for the SDK that lives in this page alone: for drawing screens without a server (`OORT_FAKE=1 npm run dev`). The query
 * says what there is: `out=1`, `state=waiting`, `typing=1`, `failed=1`, `gap=1`, `empty=1`, `many=10000`, `all=1`,
 * `unread=500`, `rate=200`.
 */
import type {
  ClientOptions,
  Connection,
  ConversationEntry,
  ConversationSettings,
  Cursors,
  Draft,
  Events,
  LogInSession,
  LogItem,
  LogView,
  Me,
  Member,
  Message,
  Pending,
  Presence,
  SearchOptions,
  Store,
  User,
} from "@oort/sdk";
import { accountOf, contactsOf, filesOf, foundIn, groupsOf } from "./doings";

export class OortError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

export const uniqueId = (): string => crypto.randomUUID();

class Cell<T> implements Store<T> {
  readonly #listeners = new Set<() => void>();
  constructor(private value: T) {}
  get = () => this.value;
  set(value: T) {
    this.value = value;
    for (const listener of this.#listeners) listener();
  }
  subscribe = (fn: () => void) => {
    this.#listeners.add(fn);
    return () => void this.#listeners.delete(fn);
  };
}

const ann: User = { id: "2", username: "ann" };
const bob: User = { id: "3", username: "bob" };
const carol: User = { id: "4", username: "carol" };
const others: User[] = [
  bob,
  carol,
  { id: "5", username: "bob2" },
  { id: "6", username: "carol2" },
  { id: "7", username: "安" },
  { id: "8", username: "ann2" },
];

const talk = [
  "Morning! Has anybody seen the numbers of last night?",
  "Yes: 40,000 sends a second on one machine, nothing lost.",
  "Nice.",
  "The graph is here: https://example.org/graphs/2026-05?range=24h#p99 and the raw log beside it (https://example.org/raw).",
  "I would rather wait with the announcement until the reconnect storm has been run twice. Last time the first run was clean and the second one was not, and nobody could say why for a day and a half.",
  "👍",
  "我下午再看一遍，昨天的数据有点奇怪。重连的时候延迟比之前高了不少。",
  "OK. Tea at four?",
  "茶可以 🍵",
  "function f() {\n  return 42;\n}",
  "<b>This is not bold</b> & that is fine",
  "Let us keep it short today.",
  "好的",
];

const dayMs = 86_400_000;

interface Room {
  entry: ConversationEntry;
  all: Message[];
  shownFrom: number;
  pending: Pending[];
  log: Cell<LogView>;
  cursors: Cell<ReadonlyMap<string, Cursors>>;
  typing: Cell<readonly User[]>;
  members: User[];
}

export function createClient(_options: ClientOptions) {
  const query = new URLSearchParams(typeof location === "undefined" ? "" : location.search);
  const wanted = (name: string) =>
    query.get(name) ?? (typeof sessionStorage === "undefined" ? null : sessionStorage.getItem(name));
  const rate = Number(wanted("rate") ?? 0);
  const many = Number(wanted("many") ?? 10_000);
  const state = (wanted("state") ?? "online") as Connection["state"];
  const empty = wanted("empty") === "1";
  const out = wanted("out") === "1";

  const connection = new Cell<Connection>({ state: "connecting", leader: true });
  const me = new Cell<Me | null>(null);
  const conversations = new Cell<readonly ConversationEntry[]>([]);
  const rooms = new Map<string, Room>();
  const listeners = new Map<string, Set<(event: never) => void>>();
  const emit = (name: string, event: unknown) => {
    for (const fn of listeners.get(name) ?? []) fn(event as never);
  };
  const now = Date.now();

  function add(
    id: string,
    kind: ConversationEntry["kind"],
    name: string,
    count: number,
    unread: number,
    more: Partial<ConversationEntry> = {},
    agoMs = 0,
  ) {
    const people =
      kind === "direct"
        ? [ann, others.find((user) => user.id === more.peerId) ?? bob]
        : [ann, bob, carol, others[4] ?? bob];
    const all: Message[] = [];
    let atMs = now - agoMs - count * 1000 - (count > 50 ? 2 * dayMs : count * 290_000);
    for (let seq = 1; seq <= count; seq++) {
      atMs += count > 200 ? 20_000 : seq % 5 === 0 ? 700_000 : 40_000;
      if (atMs > now - agoMs) atMs = now - agoMs - (count - seq) * 1000;
      const unreadPart = seq > count - unread;
      const index = Math.floor((((seq * 7919) % 101) / 101) * people.length);
      const sender = unreadPart ? (people[1] ?? bob) : (people[index] ?? bob);
      all.push({
        kind: "message",
        id: `${id}-${seq}`,
        seq,
        sender,
        content: talk[(seq * 5 + Number(id)) % talk.length] ?? "",
        atMs,
        clientMsgId: `${id}-c-${seq}`,
      });
    }
    if (kind === "group" && all.length > 4) {
      const at = all[all.length - 4];
      if (at)
        all[all.length - 4] = {
          ...at,
          sender: ann,
          content: "",
          system: { event: "members_added", users: [others[4] ?? bob] },
        };
    }
    const last = all.at(-1);
    const entry: ConversationEntry = {
      id,
      kind,
      name,
      creatorId: "2",
      head: count,
      lastAtMs: last?.atMs ?? 0,
      unread,
      readSeq: count - unread,
      deliveredSeq: count,
      ...(last ? { lastMessage: last } : {}),
      ...(kind === "group" ? { role: "owner" } : {}),
      ...(kind === "direct" ? { peerReadSeq: count - 2, peerDeliveredSeq: count - 1 } : {}),
      ...more,
    };
    const room: Room = {
      entry,
      all,
      shownFrom: Math.max(0, all.length - (wanted("all") === "1" ? count : 30)),
      pending: [],
      log: new Cell<LogView>({ items: [], hasOlder: false, gap: null, head: count, loading: false }),
      cursors: new Cell<ReadonlyMap<string, Cursors>>(
        new Map(
          people
            .slice(1)
            .map((user, at) => [user.id, { deliveredSeq: count - at, readSeq: Math.max(0, count - 2 - at) }]),
        ),
      ),
      typing: new Cell<readonly User[]>([]),
      members: people,
    };
    rooms.set(id, room);
    draw(room);
  }

  function draw(room: Room) {
    const items: LogItem[] = [...room.all.slice(room.shownFrom), ...room.pending];
    room.log.set({
      items,
      hasOlder: room.shownFrom > 0,
      gap: wanted("gap") === "1" ? { fromSeq: room.entry.head + 1, toSeq: room.entry.head + 240 } : null,
      head: room.entry.head,
      loading: false,
    });
  }
  function list() {
    conversations.set([...rooms.values()].map((room) => room.entry).sort((a, b) => b.lastAtMs - a.lastAtMs));
  }
  function receive(room: Room, sender: User, content: string, clientMsgId = crypto.randomUUID()) {
    const seq = room.entry.head + 1;
    const message: Message = {
      kind: "message",
      id: `${room.entry.id}-${seq}`,
      seq,
      sender,
      content,
      atMs: Date.now(),
      clientMsgId,
    };
    room.all.push(message);
    const mine = sender.id === ann.id;
    room.entry = {
      ...room.entry,
      head: seq,
      lastMessage: message,
      lastAtMs: message.atMs,
      unread: room.entry.unread + (mine ? 0 : 1),
      ...(mine ? { readSeq: seq } : {}),
    };
    draw(room);
    list();
    emit("message", { conversationId: room.entry.id, message });
  }

  function begin() {
    if (!empty) {
      add("11", "direct", "bob", 38, 3, { peerId: "3" }, 60_000);
      add("12", "group", "Launch", 64, 0, {}, 400_000);
      add("13", "room", "tea", many, Number(wanted("unread") ?? 12), { creatorId: undefined }, 30_000);
      add("14", "direct", "carol", 12, 0, { peerId: "4" }, dayMs);
      add("15", "direct", "安", 9, 0, { peerId: "7" }, 3 * dayMs);
      add("16", "room", "general", 5, 0, { creatorId: undefined }, 40 * dayMs);
      add("17", "room", "help", 8, 0, { creatorId: undefined }, 2 * dayMs);
      add("18", "room", "cake", 0, 0, { creatorId: "3" });
      add("19", "group", "A group with quite a long name that does not fit", 3, 0, {}, 8 * dayMs);
    }
    me.set({ ...ann, operator: true });
    list();
    const bobs = rooms.get("11");
    if (bobs) {
      setTimeout(() => bobs.typing.set(wanted("typing") === "1" ? [bob] : []), 300);
      if (wanted("failed") === "1") {
        bobs.pending = [
          {
            kind: "pending",
            localId: "f1",
            content: "This one was refused.",
            atMs: now,
            state: "failed",
            error: { code: "rate_limited", message: "too many messages" },
          },
          { kind: "pending", localId: "f2", content: "And this one waits.", atMs: now, state: "queued" },
          { kind: "pending", localId: "f3", content: "This one is on its way.", atMs: now, state: "sending" },
        ];
        draw(bobs);
      }
    }
    connection.set({ state, leader: true, ...(state === "waiting" ? { retryAtMs: Date.now() + 25_000 } : {}) });
    const tea = rooms.get("13");
    if (rate > 0 && tea) {
      let n = 0;
      setInterval(() => {
        for (let at = 0; at < rate / 20; at++) receive(tea, at % 2 ? bob : carol, `${talk[n++ % talk.length]} ${n}`);
      }, 50);
    }
  }

  const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));
  const presence = new Cell<ReadonlyMap<string, Presence>>(
    new Map([
      ["3", { online: true, lastSeenMs: now, away: false, devices: [{ kind: "web", away: false }] }],
      ["4", { online: false, lastSeenMs: now - 25 * 60_000, away: false, devices: [] }],
      ["7", { online: false, lastSeenMs: 0, away: false, devices: [] }],
    ]),
  );
  const sessions: LogInSession[] = [
    {
      id: "1",
      device: "Chromium on Linux",
      deviceKind: "web",
      createdAtMs: now - 3 * dayMs,
      lastSeenMs: now,
      current: true,
    },
    {
      id: "2",
      device: "Safari on iPhone",
      deviceKind: "phone",
      createdAtMs: now - 40 * dayMs,
      lastSeenMs: now - 2 * 3_600_000,
      current: false,
    },
    {
      id: "3",
      device: "",
      deviceKind: "other",
      createdAtMs: now - 90 * dayMs,
      lastSeenMs: now - 20 * dayMs,
      current: false,
    },
  ];
  const handles = new Map<string, ReturnType<typeof handle>>();

  function handle(id: string) {
    const room = rooms.get(id);
    const none = {
      log: new Cell<LogView>({ items: [], hasOlder: false, gap: null, head: 0, loading: false }),
      cursors: new Cell<ReadonlyMap<string, Cursors>>(new Map()),
      typing: new Cell<readonly User[]>([]),
    };
    return {
      log: (room?.log ?? none.log) as Store<LogView>,
      cursors: (room?.cursors ?? none.cursors) as Store<ReadonlyMap<string, Cursors>>,
      typing: (room?.typing ?? none.typing) as Store<readonly User[]>,
      send(message: string | Draft) {
        const content = typeof message === "string" ? message : message.content;
        const localId = crypto.randomUUID();
        if (!room) return localId;
        room.pending = [...room.pending, { kind: "pending", localId, content, atMs: Date.now(), state: "sending" }];
        draw(room);
        setTimeout(() => {
          room.pending = room.pending.filter((item) => item.localId !== localId);
          receive(room, ann, content, localId);
          setTimeout(() => {
            room.entry = { ...room.entry, peerDeliveredSeq: room.entry.head, peerReadSeq: room.entry.head };
            list();
          }, 800);
        }, 400);
        return localId;
      },
      retry(localId: string) {
        const item = room?.pending.find((pending) => pending.localId === localId);
        if (!room || !item) return;
        room.pending = room.pending.filter((pending) => pending !== item);
        receive(room, ann, item.content, localId);
      },
      discard(localId: string) {
        if (!room) return;
        room.pending = room.pending.filter((pending) => pending.localId !== localId);
        draw(room);
      },
      async loadOlder() {
        if (!room) return false;
        room.log.set({ ...room.log.get(), loading: true });
        await wait(250);
        room.shownFrom = Math.max(0, room.shownFrom - 50);
        draw(room);
        return room.shownFrom > 0;
      },
      markRead(seq?: number) {
        if (!room) return;
        const readSeq = Math.max(room.entry.readSeq, seq ?? room.entry.head);
        room.entry = { ...room.entry, readSeq, unread: Math.max(0, room.entry.head - readSeq) };
        list();
      },
      setTyping(_active: boolean) {},
      async edit(_seq: number, _content: string) {},
      async recall(_seq: number) {},
      async react(_seq: number, _emoji: string, _active: boolean) {},
      async hide(seq: number) {
        if (!room) return;
        room.all = room.all.filter((message) => message.seq !== seq);
        draw(room);
      },
      async forward(_seq: number, _to: string, _id: string) {},
      async configure(settings: ConversationSettings) {
        if (!room) return;
        room.entry = { ...room.entry, ...settings };
        list();
      },
      open: () => () => {},
    };
  }

  return {
    connection: connection as Store<Connection>,
    me: me as Store<Me | null>,
    conversations: conversations as Store<readonly ConversationEntry[]>,
    start() {
      if (out) connection.set({ state: "unauthenticated", leader: true });
      else setTimeout(begin, 50);
    },
    async stop() {},
    conversation(id: string) {
      let found = handles.get(id);
      if (!found) {
        found = handle(id);
        if (rooms.has(id)) handles.set(id, found);
      }
      return found;
    },
    presence: (_userIds: readonly string[]): Store<ReadonlyMap<string, Presence>> => presence,
    async createRoom(name: string) {
      if (name === "tea") throw new OortError("room_name_taken", "the name is taken");
      add(`${rooms.size + 20}`, "room", name, 0, 0);
      list();
      return { id: `${rooms.size + 19}` };
    },
    async createGroup(name: string, _memberIds: readonly string[]) {
      add(`${rooms.size + 20}`, "group", name, 0, 0);
      list();
      return { id: `${rooms.size + 19}` };
    },
    async openDirect(_userId: string) {
      return { id: "11" };
    },
    async members(_id: string, _after?: string): Promise<Member[]> {
      await wait(100);
      const roles = ["owner", "admin"] as const;
      return [ann, bob, carol, others[4] ?? bob].map((user, at) => ({
        user,
        joinedAtMs: now,
        role: roles[at] ?? "member",
      }));
    },
    async addMembers(_id: string, _userIds: readonly string[]) {},
    async removeMember(_id: string, _userId: string) {},
    async findUsers(prefix: string): Promise<User[]> {
      await wait(100);
      return others.filter((user) => user.username.startsWith(prefix.toLowerCase()));
    },
    async listRooms() {
      return [];
    },
    contacts: contactsOf(others),
    groups: groupsOf(ann),
    files: filesOf(),
    async search(query: string, { conversationId }: SearchOptions = {}) {
      await wait(300);
      const wanted = [...rooms.values()].filter(({ entry }) => !conversationId || entry.id === conversationId);
      return { results: wanted.flatMap(({ entry, all }) => foundIn(entry.id, all, query)).slice(0, 20) };
    },
    async readers(_id: string, _seq: number, _after?: string) {
      return { count: 2, more: false, readers: [bob, carol].map((user) => ({ user, readSeq: 99 })) };
    },
    async person(userId: string) {
      const user = others.find(({ id }) => id === userId) ?? ann;
      const told = { avatar: "", sex: "male", description: "Builds boats." };
      return { user, profile: { ...told, nick: user === bob ? "Bobby" : "" } };
    },
    account: {
      ...accountOf(ann),
      async deactivate(_password: string) {
        this.logOut();
      },
      async delete(_password: string) {
        this.logOut();
      },
      async endOtherSessions() {
        sessions.splice(1);
      },
      async signUp(_account: { username: string; email?: string; password: string }) {
        begin();
      },
      async logIn({ password }: { login: string; password: string }) {
        await wait(300);
        if (password === "wrong") throw new OortError("login_failed", "wrong");
        begin();
      },
      async logOut() {
        me.set(null);
        connection.set({ state: "unauthenticated", leader: true });
      },
      async sessions() {
        await wait(200);
        return [...sessions];
      },
      async endSession(id: string) {
        sessions.splice(
          sessions.findIndex((session) => session.id === id),
          1,
        );
      },
    },
    on<N extends keyof Events>(name: N, fn: (event: Events[N]) => void) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(fn as never));
      return () => void set.delete(fn as never);
    },
  };
}
