import { Account } from "./account.js";
import { Contacts } from "./contacts.js";
import { Engine, type Uplink } from "./core/engine.js";
import type { Page } from "./core/feed.js";
import type { OutboxEntry } from "./core/outbox.js";
import { uniqueId } from "./core/random.js";
import { RequestKeys } from "./core/request-keys.js";
import type { State } from "./core/session.js";
import { changeOf, fromWire, userEvent, type WireChange } from "./core/wire.js";
import { OortError } from "./error.js";
import { Files } from "./files.js";
import type { ClientFrame, Room, ServerFrame, WireMessage, WireQuote } from "./generated/oort_v1.js";
import { Groups } from "./groups.js";
import { Http, type Schemas } from "./io/http.js";
import { watchIdle } from "./io/idle.js";
import { IndexedDbStorage } from "./io/indexeddb.js";
import { Leader, type SocketClass } from "./io/leader.js";
import { NoStorage } from "./io/none.js";
import { AwayByTabs, type Note, Tabs, WatchedByTabs } from "./io/tabs.js";
import { DEFAULT_LIMITS, TIMES } from "./limits.js";
import { Push } from "./push.js";
import { Cell } from "./stores.js";
import type {
  Change,
  ClientOptions,
  Connection,
  ConversationEntry,
  ConversationSettings,
  Cursors,
  Draft,
  Events,
  FoundMessages,
  LogView,
  Me,
  Member,
  OpenRoom,
  Person,
  Presence,
  Readers,
  SearchOptions,
  Store,
  User,
  UserEvent,
} from "./types.js";

/** Tabs that still run an SDK whose notes differ keep to themselves; to be counted up with each such change. */
const NOTES_VERSION = 1;

/** How a WebSocket class is found where the options name none; the entry for Node replaces it. */
export const platform = {
  socketClass: async (): Promise<SocketClass> => {
    if (typeof WebSocket === "function") return WebSocket;
    throw new OortError("invalid_field", "give the option `WebSocket`: there is none here");
  },
};

/** One conversation, for reading and writing. */
export interface ConversationHandle {
  readonly id: string;
  readonly log: Store<LogView>;
  /** By user id: how far the others have received and read. */
  readonly cursors: Store<ReadonlyMap<string, Cursors>>;
  readonly typing: Store<readonly User[]>;
  /** Takes a message for sending and returns its local id at once. Throws `outbox_full`, or when it is empty. */
  send(message: string | Draft): string;
  /** Tries one that failed again. */
  retry(localId: string): void;
  /** Forgets one that failed or waits. */
  discard(localId: string): void;
  /** Fetches a page of older messages; `true`: there are more. */
  loadOlder(): Promise<boolean>;
  /** Everything up to `seq` is read; without it, everything shown. */
  markRead(seq?: number): void;
  setTyping(active: boolean): void;
  /** Gives a message of one's own another text. */
  edit(seq: number, content: string): Promise<void>;
  /** Takes a message back: nothing of what was sent is left. */
  recall(seq: number): Promise<void>;
  /** Reacts to a message, or does no longer. */
  react(seq: number, emoji: string, active: boolean): Promise<void>;
  /** Removes a message for oneself alone, for good. */
  hide(seq: number): Promise<void>;
  /** Sends a message on to another conversation. `id`: the same for a repeat, which is stored once. */
  forward(seq: number, to: string, id?: string): Promise<void>;
  /** Pins it, or keeps it from notifying, for oneself alone. */
  configure(settings: ConversationSettings): Promise<void>;
  /** Says how long messages sent from now on stay; 0 = for ever. Not in open rooms. */
  setExpiry(expiresInMs: number): Promise<void>;
  /** It is on screen until the returned function is called. */
  open(): () => void;
}

/** A client of one user. */
export class Client {
  readonly connection: Store<Connection>;
  readonly me: Store<Me | null>;
  /** Newest first. */
  readonly conversations: Store<readonly ConversationEntry[]>;
  readonly account: Account;
  readonly contacts: Contacts;
  readonly files: Files;
  readonly groups: Groups;
  readonly push: Push;

  readonly #options: ClientOptions;
  readonly #base: string;
  readonly #tab = uniqueId().slice(0, 10);
  readonly #newGroups = new RequestKeys();
  readonly #connection = new Cell<Connection>({
    state: "offline",
    leader: false,
  });
  readonly #http: Http;
  readonly #engine: Engine;
  readonly #handles = new Map<string, ConversationHandle>();
  readonly #onScreen = new Set<string>();
  #tabs: Tabs | null = null;
  #leader: Leader | null = null;
  #isAttached = false;
  #isRestored = false;
  /** Tabs that look at this one's connection. */
  readonly #followers = new Set<string>();
  readonly #watched = new WatchedByTabs();
  readonly #away = new AwayByTabs();
  #run = 0;
  #stops: (() => void)[] = [];

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#base = options.url.replace(/\/+$/, "");
    this.#http = new Http(this.#base, options.auth, (fn) => this.#alone(fn));
    this.#http.onTokens = (tokens) => this.#tabs?.tell({ kind: "tokens", tokens });
    this.#http.onUnauthenticated = () => {
      if (this.#leader) this.#leader.session.loggedOut();
      // Whoever holds the connection finds out by making it anew.
      else this.#tabs?.tell({ kind: "restart" });
    };
    const hasDatabase = typeof indexedDB === "object" && indexedDB !== null;
    const isKept = options.storage !== "memory" && hasDatabase;
    const storage = isKept ? new IndexedDbStorage(this.#name()) : new NoStorage();
    this.#engine = new Engine(this.#tab, { ...DEFAULT_LIMITS, ...options.limits }, storage);
    this.#engine.onGreeted = () => this.#greeted();
    this.#engine.onBehind = () => void this.#loadChanged();
    this.#engine.onEventsMissed = (after) => this.#eventsAfter(after);
    this.#engine.onChangesMissed = (id, after) => this.#changesAfter(id, after);
    this.connection = this.#connection;
    this.me = this.#engine.me;
    this.conversations = this.#engine.list;
    this.contacts = new Contacts(this.#http);
    this.files = new Files(this.#http);
    this.groups = new Groups(this.#http, (answer) => this.#take(answer));
    this.push = new Push(this.#http);
    this.#engine.events.on("event", (event) => this.contacts.heard(event));
    this.#engine.events.on("events-lost", () => {
      this.contacts.forget();
      this.contacts.refresh();
    });
    this.account = new Account(
      this.#http,
      (tokens) => {
        if (tokens) this.#http.take(tokens);
        this.#tabs?.tell({ kind: "loggedIn" });
        this.#leader?.session.reauthenticated();
      },
      async () => {
        this.#tabs?.tell({ kind: "loggedOut" });
        await this.#leave();
      },
    );
  }

  // ---- start and end ----------------------------------------------------------------------------

  /** Shows what is kept, connects, and stays connected. */
  start(): void {
    if (this.#run % 2 === 1) return;
    const run = ++this.#run;
    this.#started(run).catch((error: unknown) => {
      this.#engine.events.emit("error", {
        code: "internal",
        message: String(error),
      });
    });
  }

  /** Disconnects. `start` may follow. */
  async stop(): Promise<void> {
    if (this.#run % 2 === 0) return;
    const run = ++this.#run;
    for (const stop of this.#stops.splice(0)) stop();
    // The others go on as if nothing had happened: one of them leads next.
    this.#followers.clear();
    this.#leader?.session.stop();
    this.#leader = null;
    this.#isAttached = false;
    this.#show({ state: "offline" }, false);
    const flushed = this.#engine.stop();
    this.#engine.isLeader = false;
    this.#tabs?.stop();
    this.#tabs = null;
    await flushed;
    // Started again meanwhile: then it is in use.
    if (this.#run === run) this.#engine.storage.close();
  }

  async #started(run: number): Promise<void> {
    const isShared = this.#options.sharing !== "none" && Tabs.areSupported() && typeof document === "object";
    const tabs = isShared
      ? new Tabs(`${this.#name()} ${NOTES_VERSION}`, this.#tab, (note) => this.#heard(note))
      : null;
    this.#tabs = tabs;
    this.#show({ state: "connecting" }, false);
    this.#listen();
    await tabs?.live();
    if (this.#run !== run) return;
    try {
      if (!this.#isRestored) await this.#engine.restore(() => !tabs);
    } catch (error) {
      this.#engine.unkept(error);
      this.#engine.storage = new NoStorage();
    }
    this.#isRestored = true;
    if (this.#run !== run) return;
    if (!tabs) return this.#lead();
    this.#engine.attach(this.#follower());
    tabs.tell({ kind: "attach", tab: this.#tab });
    tabs.lead(() => {
      if (this.#run === run) this.#lead();
    });
  }

  /** Hears of networks and sleep. */
  #listen(): void {
    const timer = setInterval(() => {
      this.#engine.tick();
      this.#leader?.session.tick();
    }, TIMES.tickMs);
    this.#stops.push(() => clearInterval(timer));
    if (typeof addEventListener !== "function" || typeof document !== "object") return;
    const listen = (target: EventTarget, name: string, fn: () => void) => {
      target.addEventListener(name, fn);
      this.#stops.push(() => target.removeEventListener(name, fn));
    };
    const { awayAfterMs } = this.#options;
    if (awayAfterMs) this.#stops.push(watchIdle(awayAfterMs, (away) => this.setAway(away)));
    const network = () => this.#leader?.session.network(navigator.onLine !== false);
    listen(globalThis, "online", network);
    listen(globalThis, "offline", network);
    listen(globalThis, "pageshow", network);
    const { connection } = navigator as { connection?: EventTarget };
    if (connection) listen(connection, "change", network);
    listen(document, "visibilitychange", () => {
      if (document.visibilityState === "visible") this.#leader?.session.woke();
      // It may never be shown again.
      else void this.#engine.flush();
    });
  }

  // ---- tabs -----------------------------------------------------------------------------------------

  /** This tab holds the connection from now on. */
  #lead(): void {
    const engine = this.#engine;
    const { state, retryAtMs } = this.#connection.get();
    engine.isLeader = true;
    this.#isAttached = false;
    engine.detached();
    const leader = new Leader({
      engine,
      http: this.#http,
      url: (this.#base || location.origin).replace(/^http/, "ws"),
      socketClass: async () => this.#options.WebSocket ?? platform.socketClass(),
      trace: this.#options.trace,
      device: this.#options.device,
      audience: {
        frame: (frame) => this.#tellFollowers(frame),
        state: (now) => this.#become(now),
        lost: () => this.#tabs?.tell({ kind: "lost" }),
      },
      shown: { state, retryAtMs },
      ended: () => {
        this.#tabs?.tell({ kind: "loggedOut" });
        void this.#leave();
      },
    });
    this.#leader = leader;
    engine.attach({
      send: (frame) => this.#up(this.#tab, frame),
      restart: () => leader.restart(),
    });
    this.#show(this.#connection.get(), true);
    this.#tabs?.tell({ kind: "leader" });
    void this.#adoptOrphans();
    leader.session.start();
  }

  /** Sends what tabs that are gone have left. */
  async #adoptOrphans(): Promise<void> {
    const tabs = this.#tabs;
    if (!tabs) return;
    try {
      const [living, outbox] = await Promise.all([tabs.living(), this.#engine.storage.outbox()]);
      const isOrphan = ({ owner }: OutboxEntry) => owner !== this.#tab && !living.has(owner);
      if (this.#leader) this.#engine.sends.adopt(outbox.filter(isOrphan));
    } catch (error) {
      this.#engine.unkept(error);
    }
  }

  #follower(): Uplink {
    return {
      send: (frame) => {
        if (this.#isAttached) this.#tabs?.tell({ kind: "up", tab: this.#tab, frame });
        return this.#isAttached;
      },
      restart: () => this.#tabs?.tell({ kind: "restart" }),
    };
  }

  #show({ state, retryAtMs }: State, leader: boolean): void {
    const old = this.#connection.get();
    if (old.state === state && old.retryAtMs === retryAtMs && old.leader === leader) return;
    this.#connection.set({ state, leader, retryAtMs });
    if (state === "online") this.files.reached();
  }

  #become(state: State): void {
    this.#show(state, true);
    if (this.#followers.size > 0) this.#tabs?.tell({ kind: "state", state });
  }

  #up(tab: string, frame: ClientFrame): boolean {
    return this.#leader?.send(this.#forAll(tab, frame)) ?? false;
  }

  /** What the one connection of all tabs is to say for what one of them says. */
  #forAll(tab: string, frame: ClientFrame): ClientFrame {
    if (frame.type === "watch") return this.#watched.put(tab, frame);
    if (frame.type !== "away") return frame;
    return awayFrame(this.#away.put(tab, frame.payload.away, this.#tabsHere()));
  }

  #tabsHere(): string[] {
    return [this.#tab, ...this.#followers];
  }

  #tellFollowers(frame: ServerFrame): void {
    if (this.#followers.size === 0) return;
    const forAll = frame.type === "hello" ? this.#engine.greeting() : frame;
    if (forAll) this.#tabs?.tell({ kind: "down", frame: forAll });
  }

  /** Runs what renews tokens, in one tab at a time. */
  #alone<T>(renew: () => Promise<T>): Promise<T> {
    const tabs = this.#tabs;
    if (!tabs) return renew();
    return tabs.exclusively("refresh", async () => {
      // What another has renewed may still be on its way, or was told while this one was stopped.
      if ((await tabs.living()).size > 1) {
        tabs.tell({ kind: "askTokens" });
        await new Promise((waited) => setTimeout(waited, TIMES.askTokensMs));
      }
      return renew();
    });
  }

  #heard(note: Note): void {
    if (note.kind === "tokens") return this.#http.adopt(note.tokens);
    if (note.kind === "haveTokens") return this.#http.adoptNewer(note.tokens);
    if (note.kind === "askTokens") {
      const { tokens } = this.#http;
      if (tokens) this.#tabs?.tell({ kind: "haveTokens", tokens });
      return;
    }
    if (note.kind === "loggedIn") return this.#leader?.session.reauthenticated();
    if (note.kind === "loggedOut") return void this.#leave();
    if (this.#leader) this.#heardAsLeader(note);
    // Before, what was kept would be laid over what is heard; then it asks for all.
    else if (this.#isRestored) this.#heardAsFollower(note);
  }

  #heardAsLeader(note: Note): void {
    switch (note.kind) {
      case "attach": {
        const { tab } = note;
        if (!this.#followers.has(tab)) {
          // Somebody has just opened it.
          if (this.#away.areAll(this.#tabsHere())) this.#leader?.send(awayFrame(false));
          this.#followers.add(tab);
          this.#tabs?.afterEndOf(tab, () => {
            this.#followers.delete(tab);
            const watch = this.#watched.remove(tab);
            if (watch) this.#leader?.send(watch);
            // Those that are left may have been left alone before.
            if (this.#away.remove(tab, this.#tabsHere())) this.#leader?.send(awayFrame(true));
            void this.#adoptOrphans();
          });
        }
        const { leader: _, ...state } = this.#connection.get();
        this.#tabs?.tell({ kind: "state", tab, state });
        const frame = this.#engine.greeting();
        if (frame) this.#tabs?.tell({ kind: "down", tab, frame });
        return;
      }
      case "up":
        this.#up(note.tab, note.frame);
        return;
      case "restart":
        this.#leader?.restart();
        return;
    }
  }

  #heardAsFollower(note: Note): void {
    switch (note.kind) {
      case "leader":
        this.#isAttached = false;
        this.#engine.detached();
        this.#tabs?.tell({ kind: "attach", tab: this.#tab });
        return;
      case "down":
        if (note.tab !== undefined && note.tab !== this.#tab) return;
        if (note.frame.type === "hello") this.#isAttached = true;
        if (this.#isAttached) this.#engine.receive(note.frame);
        // The one that leads knows changes only up to its own place: it fetches none for what it does not show.
        if (note.frame.type === "hello")
          for (const { changes } of this.#engine.conversations.values()) changes.forgetHead();
        return;
      case "state":
        if (note.tab === undefined || note.tab === this.#tab) this.#show(note.state, false);
        return;
      case "lost":
        this.#isAttached = false;
        this.#engine.detached();
        return;
    }
  }

  /** The log-in is over: nothing of it is kept. */
  async #leave(): Promise<void> {
    this.#http.adopt(null);
    this.#leader?.session.loggedOut();
    this.#engine.detached();
    this.contacts.forget();
    await this.#engine.wipe();
  }

  // ---- what is known --------------------------------------------------------------------------------

  /** One conversation; always the same object. */
  conversation(id: string): ConversationHandle {
    let handle = this.#handles.get(id);
    if (!handle) {
      const engine = this.#engine;
      const { log, cursors, typing } = engine.views(id);
      handle = {
        id,
        log,
        cursors,
        typing,
        send: (message) => engine.sends.send(id, message),
        retry: (localId) => engine.sends.retry(localId),
        discard: (localId) => engine.sends.discard(id, localId),
        loadOlder: () => engine.loadOlder(id),
        markRead: (seq) => engine.markRead(id, seq),
        setTyping: (active) => engine.attendance.setTyping(id, active),
        edit: (seq, content) => this.#change(id, "PATCH", `${seq}`, { content }),
        recall: (seq) => this.#change(id, "POST", `${seq}/recall`),
        react: (seq, emoji, active) =>
          this.#change(id, active ? "PUT" : "DELETE", `${seq}/reactions/${encodeURIComponent(emoji)}`),
        hide: async (seq) => {
          await this.#http.call("DELETE", `${messagesOf(id)}/${seq}`);
          engine.hide(id, seq);
        },
        forward: (seq, to, clientMsgId = uniqueId()) =>
          this.#http.call("POST", messagesOf(to), { clientMsgId, forward: { conversationId: id, seq } }),
        configure: async (settings) => {
          const path = `/api/conversations/${encodeURIComponent(id)}/settings`;
          engine.configure(id, await this.#http.call<Schemas["ConversationSettings"]>("PUT", path, settings));
        },
        setExpiry: (expiresInMs) =>
          this.#http.call("PUT", `/api/conversations/${encodeURIComponent(id)}/expiry`, { expiresInMs }),
        open: () => this.#open(id),
      };
      this.#handles.set(id, handle);
    }
    return handle;
  }

  /** Who of these is online; watched as long as somebody subscribes. */
  presence(userIds: readonly string[]): Store<ReadonlyMap<string, Presence>> {
    return this.#engine.attendance.presence(userIds);
  }

  /** The device is left alone, or no longer: others are told. With several tabs, once all of them are. */
  setAway(away: boolean): void {
    this.#engine.attendance.setAway(away);
  }

  /** Who has read a message: in small groups by name, after the user `after`. */
  async readers(conversationId: string, seq: number, after?: string): Promise<Readers> {
    const page = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
    const path = `/api/conversations/${encodeURIComponent(conversationId)}/messages/${seq}/readers${page}`;
    const found = await this.#http.call<Schemas["Readers"]>("GET", path);
    return { count: found.count, more: found.more ?? false, readers: found.readers ?? null };
  }

  on<K extends keyof Events>(name: K, fn: (event: Events[K]) => void): () => void {
    return this.#engine.events.on(name, fn);
  }

  #open(id: string): () => void {
    const close = this.#engine.open(id);
    this.#onScreen.add(id);
    void this.#loadCursors(id);
    return () => {
      close();
      this.#onScreen.delete(id);
    };
  }

  async #loadCursors(id: string): Promise<void> {
    const conversation = this.#engine.conversations.get(id);
    // Large groups have none to show.
    if (!conversation?.hasServerCursors || conversation.kind === "room") return;
    await this.#look<{ cursors: ({ userId: string } & Cursors)[] }>(
      `/api/conversations/${id}/cursors`,
      (answer) => {
        this.#engine.cursors(id, answer.cursors);
      },
    );
  }

  /** What changed in the list, when frames that said so were left out. */
  async #loadChanged(): Promise<void> {
    const { since } = this.#engine;
    if (since === null) return;
    await this.#look<Schemas["Conversations"]>(
      `/api/conversations?since=${encodeURIComponent(since)}`,
      (answer) => {
        for (const conversation of answer.conversations) this.#engine.upsert(roomOf(conversation));
      },
    );
  }

  async #eventsAfter(after: number): Promise<Page<UserEvent>> {
    const path = `/api/events?after=${after}`;
    const { events, ...page } = await this.#http.call<Schemas["Events"]>("GET", path);
    return { ...page, items: events.map(userEvent) };
  }

  async #changesAfter(id: string, after: number): Promise<Page<Change>> {
    const path = `/api/conversations/${encodeURIComponent(id)}/changes?after=${after}`;
    const { changes, ...page } = await this.#http.call<ChangesAnswer>("GET", path);
    return { ...page, items: changes.map(changeOf), truncated: false };
  }

  /** Reads what it can do without: after a failure the next hello asks again. */
  async #look<T>(path: string, found: (answer: T) => void): Promise<void> {
    try {
      found(await this.#http.call<T>("GET", path));
    } catch (error) {
      if (!(error instanceof OortError)) throw error;
    }
  }

  #greeted(): void {
    for (const id of this.#onScreen) void this.#loadCursors(id);
    void this.#loadMe();
    this.contacts.refresh();
  }

  /** What `hello` does not say of oneself. */
  async #loadMe(): Promise<void> {
    const { me } = this.#engine;
    await this.#look<Schemas["Me"] & { operator?: boolean }>("/api/me", ({ user, operator = false }) => {
      const now = me.get();
      if (now && user.id === now.id && operator !== now.operator) me.set({ ...now, operator });
    });
  }

  // ---- what is asked of the server ------------------------------------------------------------------

  async createRoom(name: string): Promise<ConversationEntry> {
    return this.#take(
      await this.#http.call("POST", "/api/rooms", {
        name,
      } satisfies Schemas["NewRoom"]),
    );
  }

  async createGroup(name: string, memberIds: readonly string[] = []): Promise<ConversationEntry> {
    const body: Schemas["NewGroup"] = { name, memberIds: [...memberIds] };
    const found = (headers: Record<string, string>) =>
      this.#http.call<Schemas["Conversation"]>("POST", "/api/groups", body, { headers });
    return this.#take(await this.#newGroups.under(body, found));
  }

  /** The conversation with one other user, made when there is none. */
  async openDirect(userId: string): Promise<ConversationEntry> {
    return this.#take(
      await this.#http.call("POST", "/api/direct", {
        userId,
      } satisfies Schemas["NewDirect"]),
    );
  }

  /** A page of a group's members, by user id: those after `after`. */
  async members(id: string, after?: string): Promise<readonly Member[]> {
    const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
    const page = await this.#http.call<Schemas["Members"]>(
      "GET",
      `/api/groups/${encodeURIComponent(id)}/members${query}`,
    );
    return page.members.map(({ mutedUntil, ...member }) => ({
      ...member,
      ...(mutedUntil && { mutedUntil }),
    }));
  }

  addMembers(id: string, userIds: readonly string[]): Promise<void> {
    const body: Schemas["NewMembers"] = { userIds: [...userIds] };
    return this.#http.call("POST", `/api/groups/${encodeURIComponent(id)}/members`, body);
  }

  /** Removes somebody, or oneself: that is leaving. */
  removeMember(id: string, userId: string): Promise<void> {
    const path = `/api/groups/${encodeURIComponent(id)}/members/${encodeURIComponent(userId)}`;
    return this.#http.call("DELETE", path);
  }

  /** Users whose name begins so. */
  async findUsers(prefix: string): Promise<readonly User[]> {
    const { users } = await this.#http.call<Schemas["Users"]>(
      "GET",
      `/api/users?prefix=${encodeURIComponent(prefix)}`,
    );
    return users;
  }

  /** A user with what they tell of themselves. */
  person(userId: string): Promise<Person> {
    return this.#http.call("GET", `/api/users/${encodeURIComponent(userId)}`);
  }

  /** Messages with all these words, newest first; `before` is the `next` of an earlier page. */
  async search(query: string, { conversationId, before, limit }: SearchOptions = {}): Promise<FoundMessages> {
    const params = new URLSearchParams({ q: query });
    if (conversationId !== undefined) params.set("conversation", conversationId);
    if (before !== undefined) params.set("before", before);
    if (limit !== undefined) params.set("limit", String(limit));
    const page = await this.#http.call<Schemas["FoundMessages"]>("GET", `/api/search?${params}`);
    const results = page.results.map(({ message, ranges }) => {
      const { conversationId } = message;
      return { conversationId, message: fromWire(wireOf(message)), ranges: ranges.map(rangeOf) };
    });
    return { results, ...(page.next && { next: page.next }) };
  }

  async listRooms(): Promise<readonly OpenRoom[]> {
    const { rooms } = await this.#http.call<Schemas["Rooms"]>("GET", "/api/rooms");
    return rooms.map(({ id, name, kind, creatorId, head }) => {
      return { id, name, kind, head, creatorId: creatorId === "0" ? undefined : creatorId };
    });
  }

  /** Changes a message; it is shown as it is then at once, the others are told. */
  async #change(id: string, method: string, path: string, body?: object): Promise<void> {
    const message = await this.#http.call<Schemas["Message"]>(method, `${messagesOf(id)}/${path}`, body);
    this.#engine.take(id, fromWire(wireOf(message)));
  }

  #take(answer: Schemas["Conversation"]): ConversationEntry {
    return this.#engine.upsert(roomOf(answer), true).entry(this.me.get()?.id ?? null);
  }

  #name(): string {
    return `oort ${this.#options.auth.kind} ${this.#base || (typeof location === "object" ? location.origin : "")}`;
  }
}

function messagesOf(id: string): string {
  return `/api/conversations/${encodeURIComponent(id)}/messages`;
}

function awayFrame(away: boolean): ClientFrame {
  return { type: "away", payload: { away } };
}

function rangeOf([start = 0, end = 0]: readonly number[]): readonly [start: number, end: number] {
  return [start, end];
}

/** A page of changes. */
interface ChangesAnswer {
  changes: WireChange[];
  head: number;
  hasMore: boolean;
}

/** A conversation of the HTTP API as frames have it. */
function roomOf(answer: Schemas["Conversation"]): Room {
  const { creatorId, hasMore, latest, pinned, muteAll, ...rest } = answer;
  return {
    ...known(rest),
    ...(pinned && { pinned }),
    ...(muteAll && { muteAll }),
    hasMoreMessages: hasMore,
    messages: latest.map(wireOf),
    creatorId: creatorId === "0" ? undefined : creatorId,
  };
}

/** A message of the HTTP API as frames have it. */
function wireOf(answer: Schemas["Message"]): WireMessage {
  const { createdAtMs: timestamp, editedAtMs: editedAt, sender: user, reply, hidden, ...rest } = answer;
  return {
    ...known(rest),
    timestamp,
    user,
    ...(typeof editedAt === "number" && { editedAt }),
    ...(hidden && { hidden }),
    ...(reply && { reply: quoteToWire(reply) }),
  };
}

function quoteToWire({ sender: user, ...quote }: Schemas["Quote"]): WireQuote {
  return { ...known(quote), user };
}

/** Without fields that are null: frames leave those out. */
function known<T extends object>(answer: T): { [K in keyof T]: NonNullable<T[K]> } {
  const fields = Object.entries(answer).filter(([, value]) => value !== null);
  return Object.fromEntries(fields) as { [K in keyof T]: NonNullable<T[K]> };
}

/** A client; `start` connects it. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}
