import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../src/core/engine.js";
import type { ServerFrame } from "../../src/generated/oort_v1.js";
import { NoStorage } from "../../src/io/none.js";
import { DEFAULT_LIMITS, TIMES } from "../../src/limits.js";
import type { Limits, LogItem, Message } from "../../src/types.js";
import { MemoryStorage } from "../support/memory.js";
import { ANN, BOB, room, span } from "../support/messages.js";
import { FakeServer, type Link } from "../support/server.js";

const LIMITS: Limits = { ...DEFAULT_LIMITS, gapMax: 40, aheadMax: 15, pageSize: 10 };

/** An engine of ann's and its link. */
class Bench {
  readonly told = new Map<string, Message[]>();
  skipped = 0;
  link: Link | null = null;
  readonly engine: Engine;

  constructor(
    readonly server: FakeServer,
    storage: MemoryStorage | NoStorage = new NoStorage(),
    limits: Limits = LIMITS,
  ) {
    this.engine = new Engine("t", limits, storage);
    this.engine.isLeader = true;
    this.engine.attach({ send: (frame) => this.link?.send(frame) ?? false, restart: () => this.reconnect() });
    this.engine.events.on("message", ({ conversationId, message }) => {
      this.told.set(conversationId, [...(this.told.get(conversationId) ?? []), message]);
    });
    this.engine.events.on("gap-filled", ({ fromSeq, toSeq, skipped }) => {
      if (skipped) this.skipped += toSeq - fromSeq + 1;
    });
  }

  connect(): void {
    this.link ??= this.server.connect(ANN, this.engine.since);
  }

  cut(): void {
    this.link?.close();
    this.link = null;
    this.engine.detached();
  }

  reconnect(): void {
    this.cut();
    this.connect();
  }

  /** At most so many frames arrive. */
  async deliver(count: number): Promise<void> {
    for (let left = count; left > 0 && this.link; left--) {
      const frame = this.link.queue.shift();
      if (!frame) break;
      this.engine.receive(frame);
      await vi.advanceTimersByTimeAsync(0);
    }
  }

  /** Everything arrives, and all waits end. */
  async settle(): Promise<void> {
    this.connect();
    for (let round = 0; round < 200; round++) {
      await this.deliver(1000);
      await vi.advanceTimersByTimeAsync(500);
      if (this.link?.queue.length === 0 && this.engine.sends.outbox.size === 0 && round > 6) return;
    }
    throw new Error("never settles");
  }

  items(id: string): readonly LogItem[] {
    return this.engine.views(id).log.get().items;
  }

  texts(id: string): string[] {
    return this.items(id).map(({ content }) => content);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("an engine", () => {
  it("shows what hello brings, newest conversation first", async () => {
    const server = new FakeServer();
    for (const id of ["7", "8", "9"]) server.addRoom(id);
    server.post("8", BOB, "old");
    server.post("7", BOB, "new");
    const bench = new Bench(server);
    await bench.settle();
    expect(bench.engine.me.get()).toMatchObject(ANN);
    const list = bench.engine.list.get();
    expect(list.map(({ id }) => id)).toEqual(["7", "8", "9"]);
    expect(list[0]).toMatchObject({ unread: 1, head: 1, lastMessage: { content: "new" } });
    expect(bench.engine.list.get()).toBe(list);
    expect(bench.told.size).toBe(0);
  });

  it("sends at once, shows it as pending, and once only when it is stored", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    const bench = new Bench(server);
    await bench.settle();
    const localId = bench.engine.sends.send("7", "Hi");
    expect(bench.items("7")).toMatchObject([{ kind: "pending", localId, state: "sending" }]);
    await bench.settle();
    expect(bench.items("7")).toMatchObject([{ kind: "message", seq: 1, clientMsgId: localId, sender: ANN }]);
    expect(bench.told.get("7")).toHaveLength(1);
  });

  it("has everything in place when it tells of a message", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    const bench = new Bench(server);
    await bench.settle();
    bench.texts("7");
    bench.engine.list.get();
    const found: unknown[] = [];
    bench.engine.events.on("message", ({ message }) => {
      found.push([message.content, bench.texts("7").at(-1), bench.engine.list.get()[0]?.unread]);
      bench.engine.markRead("7");
    });
    server.post("7", BOB, "1");
    server.post("7", BOB, "2");
    await bench.settle();
    expect(found).toEqual([
      ["1", "1", 1],
      ["2", "2", 1],
    ]);
  });

  it("never lets a message of one's own vanish between ack and log", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    const bench = new Bench(server);
    await bench.settle();
    bench.cut();
    for (const number of span(1, 20)) server.post("7", BOB, `b${number}`);
    bench.engine.sends.send("7", "mine");
    const counts: number[] = [];
    bench.engine.views("7").log.subscribe(() => {
      counts.push(bench.texts("7").filter((text) => text === "mine").length);
    });
    await bench.settle();
    expect(new Set(counts)).toEqual(new Set([1]));
    expect(bench.texts("7")).toEqual([...span(1, 20).map((number) => `b${number}`), "mine"]);
  });

  it("shows what the server has made of a message when the ack comes first", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    const bench = new Bench(server);
    await bench.settle();
    bench.engine.sends.send("7", "damn");
    const [frame, ack] = bench.link!.queue.splice(0) as [ServerFrame, ServerFrame];
    bench.engine.receive(ack);
    expect(bench.texts("7")).toEqual(["damn"]);
    if (frame.type !== "serverMessages") throw new Error(frame.type);
    frame.payload.messages[0]!.content = "****";
    bench.engine.receive(frame);
    expect(bench.items("7")).toMatchObject([{ kind: "message", content: "****" }]);
  });

  it("shows a message once when a hello or a page has it before an ack", async () => {
    for (const others of [0, 8]) {
      const server = new FakeServer();
      server.addRoom("7");
      const bench = new Bench(server);
      await bench.settle();
      bench.engine.sends.send("7", "mine");
      // It is stored, and the way breaks before anything is heard of it.
      bench.cut();
      for (const number of span(1, others)) server.post("7", BOB, `${number}`);
      bench.connect();
      await bench.deliver(others > 0 ? 2 : 1);
      expect(bench.items("7").filter(({ content }) => content === "mine")).toMatchObject([
        { kind: "message", seq: 1 },
      ]);
      await bench.settle();
      expect(bench.texts("7")).toHaveLength(others + 1);
    }
  });

  it("shows a message once when an older page has it before an ack", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    const bench = new Bench(server);
    await bench.settle();
    bench.engine.sends.send("7", "mine");
    bench.cut();
    for (const number of span(1, 60)) server.post("7", BOB, `${number}`);
    bench.connect();
    await bench.deliver(1);
    // The ack is lost.
    bench.link!.queue.length = 0;
    for (let isMore = true; isMore; ) {
      const older = bench.engine.loadOlder("7");
      await bench.deliver(1);
      isMore = await older;
    }
    expect(bench.items("7")).toHaveLength(61);
    expect(bench.items("7")[0]).toMatchObject({ kind: "message", content: "mine" });
  });

  it("waits and tries again when the server is overloaded", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    server.overloads = 2;
    const bench = new Bench(server);
    await bench.settle();
    bench.engine.sends.send("7", "Hi");
    await bench.settle();
    expect(bench.texts("7")).toEqual(["Hi"]);
    expect(server.received.filter(({ type }) => type === "clientMessages")).toHaveLength(3);
  });

  it("sends again what was never answered", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    const bench = new Bench(server);
    await bench.settle();
    bench.engine.sends.send("7", "Hi");
    // The ack is lost, the connection is not.
    bench.link!.queue.length = 0;
    await vi.advanceTimersByTimeAsync(2 * TIMES.answerMs + 1);
    bench.engine.tick();
    await bench.settle();
    expect(bench.texts("7")).toEqual(["Hi"]);
    expect(server.rooms.get("7")!.messages).toHaveLength(1);
  });

  it("fails what can never be stored, and tries it again or forgets it when told", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    const bench = new Bench(server);
    await bench.settle();
    const localId = bench.engine.sends.send("7", "x".repeat(9000));
    expect(bench.items("7")).toMatchObject([{ state: "failed", error: { code: "too_large" } }]);
    bench.engine.sends.discard("7", localId);
    expect(bench.items("7")).toEqual([]);
    expect(() => bench.engine.sends.send("7", "")).toThrow(
      expect.objectContaining({ code: "invalid_field" }),
    );
  });

  it("takes what changed of a group for everybody, and keeps what is one's own", async () => {
    const server = new FakeServer();
    server.addRoom("7", "group");
    const bench = new Bench(server);
    await bench.settle();
    const { engine } = bench;
    engine.upsert({ ...room(0, 0), kind: "group", role: "admin", pinned: true, members: 3, muteAll: true });
    const changes: string[] = [];
    engine.events.on("conversation", ({ change }) => changes.push(change));
    const changed = {
      id: "7",
      name: "harbour",
      kind: "group" as const,
      head: 0,
      announcement: "",
      members: 4,
    };
    engine.receive({ type: "conversation", payload: { change: "changed", room: changed } });
    const [entry] = engine.list.get();
    expect(entry).toMatchObject({ name: "harbour", role: "admin", pinned: true, members: 4 });
    expect(entry?.muteAll).toBeUndefined();
    expect(changes).toEqual(["changed"]);
  });

  it("asks for few pages at a time, what is on screen first", async () => {
    const server = new FakeServer();
    for (const id of span(1, 12)) server.addRoom(String(id));
    const bench = new Bench(server);
    await bench.settle();
    bench.cut();
    for (const id of span(1, 12)) for (const number of span(1, 8)) server.post(String(id), BOB, `${number}`);
    bench.engine.open("12");
    server.received.length = 0;
    bench.connect();
    await bench.deliver(1);
    const asked = server.received.flatMap((frame) => (frame.type === "requestRoomHistory" ? [frame] : []));
    expect(asked.length).toBe(LIMITS.pagesInFlightMax);
    await bench.settle();
    for (const id of span(1, 12)) expect(bench.texts(String(id))).toHaveLength(8);
  });

  it("pulls what a server says it has left out, even when that does not know how much", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    const bench = new Bench(server);
    await bench.settle();
    for (const head of [0, 40]) {
      for (const number of span(1, 20)) server.post("7", BOB, `${number}`);
      bench.link!.queue.length = 0;
      bench.link!.queue.push({ type: "behind", payload: { rooms: [{ roomId: "7", head }] } });
      await bench.settle();
    }
    expect(bench.told.get("7")).toHaveLength(40);
    for (const number of span(1, 20)) server.post("7", BOB, `${number}`);
    bench.link!.queue.length = 0;
    bench.link!.queue.push({ type: "behind", payload: { rooms: [] } });
    await bench.settle();
    expect(bench.told.get("7")).toHaveLength(60);
  });

  it("does not ask again for what is refused, until the next hello", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    const bench = new Bench(server);
    await bench.settle();
    bench.cut();
    for (const number of span(1, 20)) server.post("7", BOB, `${number}`);
    server.isClosed = true;
    server.received.length = 0;
    await bench.settle();
    expect(server.received.filter(({ type }) => type === "requestRoomHistory")).toHaveLength(1);
    expect(bench.engine.views("7").log.get()).toMatchObject({
      gap: { fromSeq: 1, toSeq: 15 },
      loading: false,
    });
    server.isClosed = false;
    bench.reconnect();
    await bench.settle();
    expect(bench.texts("7")).toHaveLength(20);
  });

  it("counts what is unread as the server does", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    for (const number of span(1, 12)) server.post("7", number % 4 === 0 ? ANN : BOB, `${number}`);
    const bench = new Bench(server);
    const unread = () => bench.engine.list.get()[0]?.unread;
    await bench.settle();
    expect(unread()).toBe(9);
    server.post("7", BOB, "13");
    bench.engine.sends.send("7", "14");
    await bench.settle();
    expect(unread()).toBe(10);
    bench.engine.markRead("7", 13);
    expect(unread()).toBe(0);
    await bench.settle();
    expect(server.rooms.get("7")!.readSeq.get(ANN.id)).toBe(13);
    server.post("7", BOB, "15");
    await bench.settle();
    expect(unread()).toBe(1);
    bench.engine.markRead("7");
    expect(unread()).toBe(0);
  });

  it("tells a cursor that was moved without a connection", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    server.post("7", BOB, "1");
    const bench = new Bench(server);
    await bench.settle();
    bench.cut();
    bench.engine.markRead("7");
    await bench.settle();
    expect(server.rooms.get("7")!.readSeq.get(ANN.id)).toBe(1);
  });

  it("tells a cursor again that was refused for now, or had no answer", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    server.post("7", BOB, "1");
    const bench = new Bench(server);
    await bench.settle();
    const asked = () =>
      server.received.flatMap((frame) => (frame.type === "cursor" ? [frame.payload.requestId ?? ""] : []));
    bench.engine.markRead("7");
    await vi.advanceTimersByTimeAsync(TIMES.cursorMs);
    expect(asked()).toHaveLength(1);
    const refusal = { code: "rate_limited" as const, message: "later", retryAfterMs: 700 };
    bench.link!.queue.length = 0;
    bench.engine.receive({ type: "error", payload: { ...refusal, requestId: asked()[0]! } });
    await vi.advanceTimersByTimeAsync(699);
    expect(asked()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked()).toHaveLength(2);
    // This time there is silence.
    bench.link!.queue.length = 0;
    await vi.advanceTimersByTimeAsync(TIMES.answerMs);
    bench.engine.tick();
    await vi.advanceTimersByTimeAsync(TIMES.answerMs);
    expect(asked()).toHaveLength(3);
    await bench.settle();
    await vi.advanceTimersByTimeAsync(2 * TIMES.answerMs);
    expect(asked()).toHaveLength(3);
  });

  it("works with a server that has no cursors, no watch and no partial hello", async () => {
    const server = new FakeServer();
    server.isOld = true;
    server.addRoom("7");
    server.post("7", BOB, "before");
    const bench = new Bench(server);
    const errors: unknown[] = [];
    bench.engine.events.on("error", (error) => errors.push(error));
    bench.engine.open("7");
    const end = bench.engine.attendance.presence(["3"]).subscribe(() => {});
    await bench.settle();
    expect(bench.engine.list.get()[0]).toMatchObject({ unread: 0, readSeq: 1 });
    server.post("7", BOB, "news");
    await bench.settle();
    expect(bench.engine.list.get()[0]).toMatchObject({ unread: 1 });
    bench.engine.attendance.setTyping("7", true);
    bench.engine.markRead("7");
    expect(bench.engine.list.get()[0]).toMatchObject({ unread: 0 });
    bench.reconnect();
    await bench.settle();
    expect(bench.engine.list.get()[0]).toMatchObject({ unread: 0 });
    expect(errors).toEqual([]);
    const types = new Set(server.received.map(({ type }) => type));
    expect(types.has("typing")).toBe(false);
    expect(types.has("cursor")).toBe(false);
    end();
  });

  it("watches what somebody looks at, together, and again after a reconnect", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    const bench = new Bench(server);
    await bench.settle();
    const close = bench.engine.open("7");
    const store = bench.engine.attendance.presence(["3", "4"]);
    const end = store.subscribe(() => {});
    await bench.settle();
    expect(store.get().get("3")).toEqual({ online: true, lastSeenMs: 0, away: false, devices: [] });
    const watches = () => server.received.flatMap((frame) => (frame.type === "watch" ? [frame.payload] : []));
    expect(watches()).toMatchObject([{ roomIds: ["7"], userIds: ["3", "4"] }]);
    bench.reconnect();
    await bench.settle();
    expect(watches()).toHaveLength(2);
    bench.engine.attendance.setTyping("7", true);
    bench.engine.attendance.setTyping("7", true);
    bench.engine.attendance.setTyping("7", false);
    const typed = () =>
      server.received.flatMap((frame) => (frame.type === "typing" ? [frame.payload.active] : []));
    expect(typed()).toEqual([true]);
    await vi.advanceTimersByTimeAsync(TIMES.typingGapMs);
    expect(typed()).toEqual([true, false]);
    bench.engine.attendance.setTyping("7", false);
    await vi.advanceTimersByTimeAsync(TIMES.typingGapMs);
    expect(typed()).toEqual([true, false]);
    end();
    close();
    await bench.settle();
    expect(watches().at(-1)).toMatchObject({ roomIds: [], userIds: [] });
  });

  it("tells that the device is left alone, once, and again after a reconnect", async () => {
    const server = new FakeServer();
    const bench = new Bench(server);
    await bench.settle();
    const told = () =>
      server.received.flatMap((frame) => (frame.type === "away" ? [frame.payload.away] : []));
    for (const away of [false, true, true]) bench.engine.attendance.setAway(away);
    expect(told()).toEqual([true]);
    bench.reconnect();
    await bench.settle();
    expect(told()).toEqual([true, true]);
    bench.engine.attendance.setAway(false);
    bench.reconnect();
    await bench.settle();
    expect(told()).toEqual([true, true, false]);
    const store = bench.engine.attendance.presence(["3"]);
    const end = store.subscribe(() => {});
    const devices = [{ kind: "phone" }, { kind: "web", away: true as const }];
    const users = [{ id: "3", online: true, lastSeenMs: 1, away: true as const, devices }];
    bench.engine.receive({ type: "presence", payload: { users } });
    expect(store.get().get("3")).toMatchObject({ away: true, devices: [{ away: false }, { away: true }] });
    end();
  });

  it("forgets who typed after a while, or when the message is there", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    const bench = new Bench(server);
    await bench.settle();
    const { typing } = bench.engine.views("7");
    const typed = () =>
      bench.engine.receive({ type: "typing", payload: { roomId: "7", user: BOB, active: true } });
    typed();
    expect(typing.get()).toEqual([BOB]);
    await vi.advanceTimersByTimeAsync(TIMES.typingMs);
    expect(typing.get()).toEqual([]);
    typed();
    server.post("7", BOB, "there");
    await bench.deliver(10);
    expect(typing.get()).toEqual([]);
  });

  it("forgets a conversation that it left, and everything when another user is here", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    server.addRoom("8");
    const storage = new MemoryStorage();
    const bench = new Bench(server, storage);
    await bench.settle();
    const left = {
      id: "7",
      name: "room 7",
      kind: "room" as const,
      head: 0,
      hasMoreMessages: false,
      messages: [],
    };
    bench.engine.receive({ type: "conversation", payload: { change: "left", room: left } });
    expect(bench.engine.list.get().map(({ id }) => id)).toEqual(["8"]);
    bench.cut();
    bench.engine.since = null;
    const link = server.connect(BOB, null);
    bench.engine.receive(link.queue[0]!);
    expect(bench.engine.me.get()).toMatchObject(BOB);
    expect(bench.engine.list.get().map(({ id }) => id)).toEqual(["8", "7"]);
  });

  it("starts from what was kept, and sends what was left", async () => {
    const server = new FakeServer();
    server.addRoom("7");
    server.post("7", BOB, "kept");
    const storage = new MemoryStorage();
    const before = new Bench(server, storage);
    await before.settle();
    before.cut();
    before.engine.sends.send("7", "unsent");
    await before.settle().catch(() => {});
    before.cut();
    before.engine.sends.send("7", "left");
    await vi.advanceTimersByTimeAsync(1000);

    // The tab is gone; nothing of it but what it kept.
    const after = new Bench(server, storage);
    await after.engine.restore(() => true);
    expect(after.engine.me.get()).toMatchObject(ANN);
    expect(after.texts("7")).toEqual(["kept", "unsent", "left"]);
    expect(after.items("7").at(-1)).toMatchObject({ kind: "pending" });
    server.received.length = 0;
    await after.settle();
    expect(server.rooms.get("7")!.messages.map(({ content }) => content)).toEqual(["kept", "unsent", "left"]);
    expect((await storage.outbox()).length).toBe(0);
    expect(after.told.get("7")?.map(({ content }) => content)).toEqual(["left"]);
  });

  it("keeps with the next write what could not be written", async () => {
    const server = new FakeServer();
    for (const id of ["7", "8", "9"]) server.addRoom(id);
    const storage = new MemoryStorage();
    const bench = new Bench(server, storage);
    const errors: unknown[] = [];
    bench.engine.events.on("error", (error) => errors.push(error));
    await bench.settle();
    vi.spyOn(storage, "write").mockRejectedValueOnce(new Error("the disk is full"));
    const left = { id: "8", name: "8", kind: "room" as const, head: 0, hasMoreMessages: false, messages: [] };
    server.post("7", BOB, "kept late");
    bench.link!.queue.push({ type: "conversation", payload: { change: "left", room: left } });
    await bench.settle();
    expect(errors).toMatchObject([{ code: "storage" }]);
    server.post("9", BOB, "another");
    await bench.settle();
    const { conversations } = await storage.load();
    expect(conversations.map(({ id, run }) => [id, run?.messages[0]?.content])).toEqual([
      ["7", "kept late"],
      ["9", "another"],
    ]);
  });

  it("does without what was kept when the database hangs", async () => {
    const storage = new MemoryStorage();
    storage.load = () => new Promise(() => {});
    const bench = new Bench(new FakeServer(), storage);
    const restored = bench.engine.restore(() => true).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(TIMES.restoreMs);
    expect(await restored).toBeInstanceOf(Error);
  });

  it("gives the same end whatever breaks when: each message once, in order, each send stored once", async () => {
    const room = fc.constantFrom("7", "8");
    const step = fc.oneof(
      fc.record({ kind: fc.constant("post" as const), room, count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant("flood" as const), room, count: fc.integer({ min: 20, max: 60 }) }),
      fc.record({ kind: fc.constant("send" as const), room, count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant("deliver" as const), count: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ kind: fc.constant("cut" as const) }),
      fc.record({ kind: fc.constant("connect" as const) }),
      fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 40_000 }) }),
      fc.record({ kind: fc.constant("behind" as const), room, isKnown: fc.boolean() }),
      fc.record({ kind: fc.constant("older" as const), room }),
      fc.record({ kind: fc.constant("read" as const), room }),
      fc.record({ kind: fc.constant("overload" as const) }),
      fc.record({ kind: fc.constant("crash" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 40 }), async (isOld, steps) => {
        const server = new FakeServer();
        server.isOld = isOld;
        server.addRoom("7");
        server.addRoom("8");
        const storage = new MemoryStorage();
        let bench = new Bench(server, storage);
        let hasCrashed = false;
        const check = (id: string) => {
          const messages = bench.items(id).flatMap((item) => (item.kind === "message" ? [item.seq] : []));
          expect(messages).toEqual(span(messages[0] ?? 1, (messages[0] ?? 1) + messages.length - 1));
        };
        const watch = () => {
          for (const id of ["7", "8"]) bench.engine.views(id).log.subscribe(() => check(id));
        };
        watch();
        bench.connect();
        await bench.deliver(1);
        let sent = 0;
        for (const step of steps) {
          switch (step.kind) {
            case "post":
            case "flood":
              for (let count = step.count; count > 0; count--) server.post(step.room, BOB, "b");
              break;
            case "send":
              for (let count = step.count; count > 0; count--)
                bench.engine.sends.send(step.room, `s${++sent}`);
              break;
            case "deliver":
              await bench.deliver(step.count);
              break;
            case "cut":
              bench.cut();
              break;
            case "connect":
              bench.connect();
              break;
            case "pass":
              await vi.advanceTimersByTimeAsync(step.ms);
              bench.engine.tick();
              break;
            case "behind": {
              const head = step.isKnown ? server.rooms.get(step.room)!.messages.length : 0;
              bench.link?.queue.push({ type: "behind", payload: { rooms: [{ roomId: step.room, head }] } });
              break;
            }
            case "older":
              bench.engine.loadOlder(step.room).catch(() => {});
              break;
            case "read":
              bench.engine.markRead(step.room);
              break;
            case "overload":
              server.overloads++;
              break;
            case "crash":
              // Nothing of it goes on but what it kept.
              hasCrashed = true;
              bench.cut();
              bench.engine.timers.clear();
              bench = new Bench(server, storage);
              await bench.engine.restore(() => true);
              watch();
              break;
          }
        }
        await bench.settle();
        const told = ["7", "8"].map((id) => bench.told.get(id) ?? []);
        let stored = 0;
        for (const [index, id] of ["7", "8"].entries()) {
          const { messages } = server.rooms.get(id)!;
          stored += messages.filter(({ user }) => user.id === ANN.id).length;
          const view = bench.engine.views(id).log.get();
          expect(view.gap).toBeNull();
          const first = (view.items[0] as Message | undefined)?.seq ?? messages.length + 1;
          expect(view.items.length).toBe(messages.length - first + 1);
          for (const item of view.items) {
            expect(item).toMatchObject({
              kind: "message",
              content: messages[(item as Message).seq - 1]!.content,
            });
          }
          expect((view.items.at(-1) as Message | undefined)?.seq ?? 0).toBe(messages.length);
          // Each once and in order.
          const seqs = told[index]!.map(({ seq }) => seq);
          expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
          expect(bench.engine.conversations.get(id)!.unread(ANN.id)).toBe(
            isOld ? bench.engine.conversations.get(id)!.unread(ANN.id) : server.unread(id, ANN.id),
          );
        }
        expect(stored).toBe(sent);
        expect(await storage.outbox()).toEqual([]);
        await bench.engine.stop();
        // What was told in the last moment before a crash may be told again.
        if (hasCrashed) return;
        // Every one was told, but for those that a hole too long was jumped over.
        const all = [...server.rooms.values()].reduce((sum, { messages }) => sum + messages.length, 0);
        expect(told[0]!.length + told[1]!.length + bench.skipped).toBe(all);
      }),
      { numRuns: 400 },
    );
  });
});
