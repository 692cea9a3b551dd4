import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../src/core/engine.js";
import { endOf, shownAt } from "../../src/core/expiry.js";
import { Log } from "../../src/core/log.js";
import { fromWire, toWire } from "../../src/core/wire.js";
import { NoStorage } from "../../src/io/none.js";
import { DEFAULT_LIMITS } from "../../src/limits.js";
import { MemoryStorage } from "../support/memory.js";
import { ANN, BOB, message, span } from "../support/messages.js";
import { FakeServer, type Link } from "../support/server.js";

const reply = { seq: 1, contentKind: "text" as const, content: "quoted", expiresAtMs: 500 };

describe("a message that stays for a time", () => {
  it("is nothing but its place from its end on", () => {
    const before = message(1, { expiresAtMs: 500, reactions: [], changeSeq: 3 });
    expect(shownAt(before, 499)).toBe(before);
    expect(shownAt(before, 500)).toEqual({ ...message(1), content: "", gone: "expired", changeSeq: 3 });
    const after = shownAt(before, 500);
    expect(shownAt(after, 900)).toBe(after);
    expect(endOf(after)).toBe(Number.POSITIVE_INFINITY);
  });

  it("quotes what another one said until that ends", () => {
    const before = message(2, { reply, expiresAtMs: 800 });
    expect(endOf(before)).toBe(500);
    const now = shownAt(before, 500);
    expect(now).toEqual({ ...before, reply: { ...reply, content: "" } });
    expect(endOf(now)).toBe(800);
  });

  it("comes back from the cache as it was kept", () => {
    for (const one of [
      message(1, { expiresAtMs: 500 }),
      message(2, { reply }),
      shownAt(message(3, { expiresAtMs: 1 }), 2),
    ])
      expect(fromWire(toWire(one))).toEqual(one);
  });
});

describe("a log", () => {
  it("knows when the first of its messages ends, and hides those that have", () => {
    const log = new Log(20, 5);
    log.addNewest([message(3, { expiresAtMs: 900 }), message(2), message(1, { expiresAtMs: 500 })], false, 3);
    const { items } = log;
    expect(log.endMs).toBe(500);
    expect(log.expire(499)).toBe(false);
    expect(log.items).toBe(items);
    expect(log.expire(500)).toBe(true);
    expect(log.items.map(({ content }) => content)).toEqual(["", "text 2", "text 3"]);
    expect(log.endMs).toBe(900);
    expect(log.expire(5000)).toBe(true);
    expect([log.endMs, log.expire(9000)]).toEqual([Number.POSITIVE_INFINITY, false]);
  });

  it("takes over the time of one's own message, which an ack does not say", () => {
    const log = new Log(20, 5);
    log.addLive([message(1)]);
    log.addLive([message(1, { expiresAtMs: 700 })]);
    expect(log.endMs).toBe(700);
    log.expire(700);
    log.addLive([message(1, { expiresAtMs: 700 })]);
    expect(log.at(1)?.gone).toBe("expired");
  });
});

describe("a client", () => {
  let server: FakeServer;
  let engine: Engine;
  let link: Link;

  const connect = (storage: MemoryStorage | NoStorage) => {
    engine = new Engine("t", { ...DEFAULT_LIMITS, pageSize: 10 }, storage);
    engine.isLeader = true;
    engine.attach({ send: (frame) => link?.send(frame) ?? false, restart: () => {} });
    link = server.connect(ANN, engine.since);
  };

  const deliver = async () => {
    for (let frame = link.queue.shift(); frame; frame = link.queue.shift()) engine.receive(frame);
    await vi.advanceTimersByTimeAsync(1);
  };

  const texts = () => {
    const { items } = engine.views("7").log.get();
    return items.map((item) => (item.kind === "message" ? (item.gone ?? item.content) : item.content));
  };

  beforeEach(() => {
    vi.useFakeTimers();
    server = new FakeServer();
    server.addRoom("7");
    for (const number of span(1, 2)) server.post("7", BOB, `t${number}`);
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const receive = (seq: number, inMs: number) => {
    const live = message(seq, { content: `t${seq}`, expiresAtMs: Date.now() + inMs });
    engine.receive({
      type: "serverMessages",
      payload: { roomId: "7", messages: [toWire({ ...live, id: `7-${seq}` })] },
    });
  };

  it("hides a message at its time, in the log and in the list", async () => {
    connect(new NoStorage());
    await deliver();
    receive(3, 5_000);
    expect(texts()).toEqual(["t1", "t2", "t3"]);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(texts()).toEqual(["t1", "t2", "t3"]);
    const unread = engine.list.get()[0]?.unread;
    await vi.advanceTimersByTimeAsync(1);
    expect(texts()).toEqual(["t1", "t2", "expired"]);
    const entry = engine.list.get()[0];
    expect(entry?.lastMessage).toMatchObject({ content: "", gone: "expired" });
    expect(entry?.unread).toBe(unread);
  });

  it("sleeps as long as it takes, also for months", async () => {
    connect(new NoStorage());
    await deliver();
    receive(3, 60 * 86_400_000);
    await vi.advanceTimersByTimeAsync(59 * 86_400_000);
    expect(texts().at(-1)).toBe("t3");
    await vi.advanceTimersByTimeAsync(86_400_000);
    expect(texts().at(-1)).toBe("expired");
  });

  it("shows nothing of what ended while it was closed", async () => {
    const storage = new MemoryStorage();
    connect(storage);
    await deliver();
    receive(3, 5_000);
    await vi.advanceTimersByTimeAsync(1_000);
    await engine.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    connect(storage);
    await engine.restore(() => true);
    expect(texts()).toEqual(["t1", "t2", "expired"]);
  });

  it("knows how long its own message stays before its frame comes", async () => {
    connect(new NoStorage());
    await deliver();
    engine.receive({
      type: "serverMessages",
      payload: {
        roomId: "7",
        messages: [
          {
            id: "7-3",
            seq: 3,
            kind: "system",
            content: JSON.stringify({ event: "expiry_changed", expiresInMs: 4_000 }),
            timestamp: Date.now(),
            user: BOB,
          },
        ],
      },
    });
    expect(engine.list.get()[0]?.expiresInMs).toBe(4_000);
    const localId = engine.sends.send("7", { content: "mine", expiresInMs: 9_000 });
    const atMs = Date.now();
    const results = [{ clientMsgId: localId, seq: 4, id: "7-4", timestamp: atMs }];
    engine.receive({ type: "sendAck", payload: { roomId: "7", results } });
    expect(engine.conversations.get("7")?.log.at(4)).toMatchObject({ expiresAtMs: atMs + 4_000 });
  });
});
