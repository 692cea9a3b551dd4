import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../src/core/engine.js";
import { fromWire, toWire } from "../../src/core/wire.js";
import { NoStorage } from "../../src/io/none.js";
import { DEFAULT_LIMITS } from "../../src/limits.js";
import type { Message } from "../../src/types.js";
import { MemoryStorage } from "../support/memory.js";
import { ANN, BOB, wire } from "../support/messages.js";
import { FakeServer, type Link } from "../support/server.js";

/** An engine of ann's. */
class Bench {
  link: Link | null = null;
  readonly engine: Engine;

  constructor(
    readonly server: FakeServer,
    storage: MemoryStorage | NoStorage = new NoStorage(),
  ) {
    this.engine = new Engine("t", DEFAULT_LIMITS, storage);
    this.engine.isLeader = true;
    this.engine.attach({ send: (frame) => this.link?.send(frame) ?? false, restart: () => {} });
  }

  async settle(): Promise<void> {
    this.link ??= this.server.connect(ANN, this.engine.since);
    for (let round = 0; round < 8; round++) {
      for (let frame = this.link.queue.shift(); frame; frame = this.link.queue.shift())
        this.engine.receive(frame);
      await vi.advanceTimersByTimeAsync(1000);
    }
  }

  items(): readonly (Message | { kind: "pending"; content: string })[] {
    return this.engine.views("7").log.get().items;
  }

  entry() {
    return this.engine.list.get()[0];
  }
}

let server: FakeServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  server.addRoom("7");
  server.post("7", BOB, "Tea?");
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a message with more than its text", () => {
  const reply = {
    seq: 1,
    sender: BOB,
    contentKind: "text",
    content: "Tea?",
  };

  it("shows it while it waits, when it is stored, and as everybody sees it", async () => {
    const bench = new Bench(server);
    await bench.settle();
    const attachment = { lat: 52.5, lon: 13.4 };
    const draft = {
      content: "Here",
      contentKind: "location" as const,
      attachment,
      replyTo: 1,
      mentions: [BOB.id],
    };
    bench.engine.sends.send("7", draft);
    const expected = { content: "Here", contentKind: "location", attachment, reply, mentions: [BOB.id] };
    expect(bench.items().at(-1)).toMatchObject({ kind: "pending", ...expected });
    await bench.settle();
    expect(bench.items().at(-1)).toMatchObject({ kind: "message", seq: 2, ...expected });
    // Whoever reads it later is told the same by the server.
    const later = new Bench(server);
    await later.settle();
    expect(later.items().at(-1)).toMatchObject({ kind: "message", seq: 2, ...expected });
    expect(server.received.filter(({ type }) => type === "clientMessages")).toMatchObject([
      { payload: { messages: [{ kind: "location", attachment, replyTo: 1, mentions: [BOB.id] }] } },
    ]);
  });

  it("is sent whole after the page was closed", async () => {
    const storage = new MemoryStorage();
    const closed = new Bench(server, storage);
    await closed.settle();
    closed.engine.detached();
    closed.link?.close();
    closed.engine.sends.send("7", { content: "Yes", replyTo: 1, mentionsAll: true });
    await closed.engine.stop();
    const bench = new Bench(server, storage);
    await bench.engine.restore(() => true);
    await bench.settle();
    expect(bench.items().at(-1)).toMatchObject({ kind: "message", content: "Yes", reply, mentionsAll: true });
  });

  it("needs a text or an attachment", async () => {
    const bench = new Bench(server);
    await bench.settle();
    expect(() => bench.engine.sends.send("7", { content: "" })).toThrow();
    expect(() => bench.engine.sends.send("7", { content: "", replyTo: 1 })).toThrow();
    const attachment = { url: "https://example.org/1.png" };
    bench.engine.sends.send("7", { content: "", contentKind: "image", attachment });
    await bench.settle();
    expect(bench.items().at(-1)).toMatchObject({
      kind: "message",
      content: "",
      contentKind: "image",
      attachment,
    });
  });

  it("is told another tab as it was told by the server", () => {
    const told = wire(3, {
      kind: "file",
      attachment: { url: "https://example.org/a", name: "a" },
      mentions: ["2"],
      mentionsAll: true,
      forwardedFrom: ANN,
      reply: { id: "7-1", seq: 1, kind: "image", content: "", user: BOB },
    });
    expect(toWire(fromWire(told))).toEqual(told);
    const hidden = wire(4, { content: "", hidden: true });
    expect(toWire(fromWire(hidden))).toEqual(hidden);
  });
});

describe("what one wants for oneself", () => {
  const event = (seq: number, kind: string, data: Record<string, unknown>) => ({
    type: "event" as const,
    payload: { seq, at: 5, kind, data: { conversationId: "7", ...data } },
  });

  it("a message is gone from the log and the list, also when another device removed it", async () => {
    server.post("7", BOB, "two");
    server.post("7", BOB, "three");
    const bench = new Bench(server);
    await bench.settle();
    bench.engine.hide("7", 2);
    expect(bench.items().map(({ content }) => content)).toEqual(["Tea?", "three"]);
    bench.engine.feed.setHead(0);
    bench.engine.receive(event(1, "message_hidden", { seq: 3 }));
    expect(bench.items().map(({ content }) => content)).toEqual(["Tea?"]);
    expect(bench.entry()).toMatchObject({ head: 3, lastMessage: { seq: 1 } });
    // What happens to it later brings nothing of it back.
    server.change("7", BOB, 3, "edited", { content: "secret" });
    await bench.settle();
    expect(bench.items().map(({ content }) => content)).toEqual(["Tea?"]);
  });

  it("pins and mutes follow the events", async () => {
    const bench = new Bench(server);
    await bench.settle();
    bench.engine.feed.setHead(0);
    bench.engine.receive(event(1, "conversation_settings_changed", { pinned: true, mutedUntil: 99 }));
    expect(bench.entry()).toMatchObject({ pinned: true, mutedUntil: 99 });
    bench.engine.receive(event(2, "conversation_settings_changed", { pinned: false, mutedUntil: 0 }));
    expect(bench.entry()).not.toHaveProperty("pinned");
    expect(bench.entry()).not.toHaveProperty("mutedUntil");
  });
});

describe("one's part in a group", () => {
  const told = async (bench: Bench, by: typeof ANN, content: object) => {
    server.post("7", by, JSON.stringify(content), undefined, { kind: "system" });
    await bench.settle();
    return bench.entry();
  };

  it("follows what the server tells in it", async () => {
    const bench = new Bench(server);
    await bench.settle();
    const users = [ANN];
    expect(await told(bench, BOB, { event: "role_changed", users, role: "admin" })).toMatchObject({
      role: "admin",
    });
    expect(await told(bench, BOB, { event: "member_muted", users, until: 77 })).toMatchObject({
      silencedUntil: 77,
    });
    expect(await told(bench, BOB, { event: "member_muted", users: [BOB], until: 88 })).toMatchObject({
      silencedUntil: 77,
    });
    expect(await told(bench, BOB, { event: "member_unmuted", users })).not.toHaveProperty("silencedUntil");
    expect(await told(bench, BOB, { event: "owner_changed", users })).toMatchObject({ role: "owner" });
    expect(await told(bench, ANN, { event: "owner_changed", users: [BOB] })).toMatchObject({ role: "admin" });
  });
});
